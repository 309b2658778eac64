"""What the language knows about a field type: its options, its value category and its own checks.

The implementations live in ``trellis.fields`` (one file each) and are handed to :class:`trellis_metadata.language.Language`,
so that this package stays free of storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from trellis_metadata.diagnostics import Diagnostic
    from trellis_metadata.snapshot import Snapshot


class FieldTypeSpec(Protocol):
    """The declarative side of a field type.

    ``options`` is a JSON Schema ``properties`` mapping for the keys that a field of this type accepts besides the common
    ones; ``required_options`` names those that it must have. ``category`` decides operators and comparison: ``text``,
    ``number``, ``boolean``, ``date``, ``datetime``, ``time``, ``choice``, ``choices``, ``reference`` or ``opaque``.
    """

    name: ClassVar[str]
    label: ClassVar[Mapping[str, str]]
    options: ClassVar[Mapping[str, Any]]
    required_options: ClassVar[tuple[str, ...]]
    category: ClassVar[str]

    def check(self, field: Mapping[str, Any], pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        """Yield what is wrong with ``field`` beyond its shape (bad ranges, unknown targets …)."""
        ...
