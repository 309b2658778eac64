"""Field types: what each kind of field stores, accepts, answers, and looks like in files and forms.

A type is one file in this folder with one subclass of :class:`FieldType`; it is found by discovery. ``compile`` turns one
field definition into a :class:`Codec`, a bundle of closures that the hot path calls without looking at metadata again.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import sqlalchemy as sa

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

FieldDoc = Mapping[str, Any]
"""A field as its document says it: ``{"name": …, "type": …, …options}``."""


class InvalidValue(TrellisError):
    """A value that the field cannot take. ``code`` is stable; the message says what was found and what was expected."""

    code = "invalid_value"

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message, **details)
        self.code = code


class Environment(Protocol):
    """What a field may ask of its tenant's metadata and settings while it is compiled."""

    default_currency: str
    """ISO 4217 code of the organisation's (corporate) currency."""
    default_country: str
    """ISO 3166 alpha-2 code used to read phone numbers and addresses without a country."""
    currencies: Mapping[str, int]
    """Known ISO 4217 codes and their number of minor digits."""

    def picklist(self, name: str) -> Mapping[str, Any] | None:
        """Return the shared picklist document called ``name``, or None."""
        ...

    def seal(self, text: str) -> str:
        """Encrypt ``text`` with the tenant's key (for secrets at rest)."""
        ...

    def unseal(self, sealed: str) -> str:
        """Decrypt what :meth:`seal` made."""
        ...

    def parse_id(self, text: str, objects: Sequence[str]) -> tuple[str, int]:
        """Read an external record id such as ``deal_…``; return object name and number.

        Raises ``InvalidValue`` if it is malformed, its check character is wrong, or its object is not in ``objects``.
        """
        ...

    def format_id(self, object_name: str, number: int) -> str:
        """Write a record id in its external text form."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """One physical column. ``suffix`` is empty for the main column, else appended to the field's column name after ``__``."""

    type: sa.types.TypeEngine[Any]
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a field that queries and formulas can address, such as ``address.city`` or ``amount.currency``."""

    suffix: str
    category: str
    to_json: Callable[[Any], Any] | None = None
    parse: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """The compiled behaviour of one field.

    ``parse`` reads a JSON value that is not null and returns the Python value; it raises :class:`InvalidValue`. The null
    rule is the caller's: null never reaches a codec. With several columns, ``to_columns`` and ``from_columns`` convert
    between the value and one tuple in column order; with one column they are None and the value is stored as it is.
    ``to_json`` and ``to_text`` are None where the value itself will do. ``to_text``/``from_text`` are the form used in CSV
    and XLSX. ``compare`` is a key for sorting and equality in Python that orders as the main column does in SQL (None: the value).
    """

    columns: tuple[Column, ...]
    parse: Callable[[Any], Any]
    category: str
    to_json: Callable[[Any], Any] | None = None
    to_columns: Callable[[Any], tuple[Any, ...]] | None = None
    from_columns: Callable[[tuple[Any, ...]], Any] | None = None
    from_text: Callable[[str], Any] | None = None
    to_text: Callable[[Any], str] | None = None
    compare: Callable[[Any], Any] | None = None
    search_text: Callable[[Any], str] | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    json_schema: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()


class FieldType:
    """A kind of field. Subclasses set the class attributes and implement :meth:`compile`."""

    name: ClassVar[str]
    label: ClassVar[Mapping[str, str]]
    icon: ClassVar[str] = "forms"
    options: ClassVar[Mapping[str, Any]] = {}
    required_options: ClassVar[tuple[str, ...]] = ()
    category: ClassVar[str] = "text"
    widget: ClassVar[str] = "text"
    computed: ClassVar[bool] = False
    """True when people and programs cannot write the field (auto-number, formula, roll-up)."""
    unique_allowed: ClassVar[bool] = True

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        """Yield what is wrong with ``field`` beyond its shape."""
        return ()

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        """Return the field's compiled behaviour. ``field`` passed validation."""
        raise NotImplementedError

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        """Names of types that values of ``field`` can be converted to by way of text form and back-fill."""
        return frozenset({"text", "long_text"})
