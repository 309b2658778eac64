"""Places in the pages of the user interface where plug-ins put pieces of their own.

A piece is asked for each time its page is shown. It returns safe markup (an object with ``__html__``), or a text, which is
escaped; None shows nothing. The policy of pages forbids inline scripts and styles in it too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from trellis import plugins
from trellis.access import Principal
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SLOTS = {
    "banner": "above every page",
    "home": "at the end of the home page",
    "record": "beside a record's fields",
}
"""The places by name."""


class UnknownSlot(TrellisError):
    """A piece for a place that no page has, or two pieces of one name."""

    code = "unknown_slot"


@dataclass(frozen=True, slots=True)
class SlotContext:
    """What a piece may know: who looks, in which language (``en`` or ``zh``), and at which record.

    ``object`` and ``record`` (its number) are None where the page is about no record. The reader may read that record; what
    else the piece shows it must judge by ``principal``.
    """

    tenant: Tenant
    principal: Principal
    language: str
    object: str | None = None
    record: int | None = None


@dataclass(frozen=True, slots=True)
class UiSlot:
    """A piece called ``name`` for the place ``slot``."""

    slot: str
    name: str
    render: Callable[[SlotContext], Any]


@cache
def pieces() -> dict[str, Sequence[UiSlot]]:
    """Return the pieces by place, in order of name. Raises :class:`UnknownSlot`."""
    found: dict[str, UiSlot] = {}
    plugins.add_given("trellis_ui_slots", found, {}, lambda s: s.name, lambda told: UnknownSlot(f"The piece {told}"))
    for piece in found.values():
        if piece.slot not in SLOTS:
            raise UnknownSlot(f"The piece '{piece.name}' is for '{piece.slot}'; pages have {', '.join(SLOTS)}.")
    return {slot: [found[n] for n in sorted(found) if found[n].slot == slot] for slot in SLOTS}
