"""What renderers share: the context of one request, and the mark for "no value"."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup, escape

from trellis_admin.colors import color_of, initials
from trellis_admin.i18n import DEFAULT, Language

Renderer = Callable[[Any], str]
"""From a JSON value that is not null to escaped HTML."""

NIL = Markup('<span class="t-nil">–</span>')


@dataclass(frozen=True)
class RenderContext:
    """What renderers may know of the request. ``names`` gives the labels of referenced records by their external id."""

    language: Language = DEFAULT
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    icon: Callable[..., Markup] = lambda name, extra="": Markup("")
    names: Mapping[str, str] = field(default_factory=dict)
    picklists: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    file_url: Callable[[str], str] = lambda file: f"/api/v1/files/{file}"
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def locale(self) -> Locale:
        return Locale.parse(self.language.locale)

    @property
    def today(self) -> dt.date:
        return self.now.astimezone(self.time_zone).date()

    def name_of(self, record: str) -> str:
        """Return the label of a referenced record, or its id when the reader may not see it."""
        return self.names.get(record, record)


def record_url(record: str) -> str:
    """Return the address of a record's page. An external id begins with its object's name: ``deal_…``."""
    return f"/o/{record.rpartition('_')[0]}/{record}"


def avatar(name: str, *, square: bool = False, size: str = "") -> Markup:
    """Return a coloured disc (people) or square (things) with the initials of ``name``."""
    shape = " t-avatar--square" if square else ""
    scale = f" t-avatar--{size}" if size else ""
    letters = escape(name[:1].upper() if square else initials(name))
    return Markup(f'<span class="t-avatar{shape}{scale} t-c-{color_of(name)}" aria-hidden="true">{letters}</span>')
