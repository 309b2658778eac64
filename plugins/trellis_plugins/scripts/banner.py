"""What every page says while scripts have fewer walls around them than they should."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from trellis.ui_slots import SlotContext
from trellis_plugins.scripts.catalogue import catalogue_of
from trellis_plugins.scripts.host.sandbox import Sandbox, shared

TEXTS = {
    "en": (
        "Scripts run without all walls of the sandbox.",
        "Scripts do not run: the sandbox lacks walls.",
        "Missing: ",
    ),
    "zh": ("脚本在防护不完整的沙箱中运行。", "脚本已停用：沙箱防护不完整。", "缺少："),
}


def banner(context: SlotContext) -> Any:
    """Return the banner; None where no script is there or both walls are."""
    if not catalogue_of(context.tenant.model()).scripts:
        return None
    return shown(shared(), context.language)


def shown(sandbox: Sandbox, language: str) -> Any:
    """Return what the banner says of a sandbox, None if nothing is missing."""
    if not sandbox.missing:
        return None
    weak, off, missing = TEXTS.get(language, TEXTS["en"])
    return Markup(
        '<div class="t-notice t-notice--warn" role="note" data-missing-walls><div><strong>{}</strong> '
        '{}<span lang="en">{}</span></div></div>'
    ).format(off if sandbox.production else weak, missing, ", ".join(sandbox.missing))
