"""The render context of this request."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g
from flask_babel import gettext as _

from trellis_admin.i18n import language
from trellis_admin.renderers import RenderContext
from trellis_admin.session import time_zone, ui


def context(names: Mapping[str, str] | None = None) -> RenderContext:
    """Return what renderers may know: language, zone, icons, and the labels of referenced records."""
    model = g.model
    return RenderContext(
        language=language(),
        time_zone=time_zone(),
        icon=ui().assets.icon,
        names=names or {},
        picklists=model.display.of_kind("picklist"),
        texts={"yes": _("Yes"), "no": _("No")},
        now=g.tenant.clock.now(),
    )
