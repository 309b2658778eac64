"""Field types: what each kind of field stores, accepts, answers, and looks like in files and forms.

A type is one file in this folder with one subclass of :class:`FieldType`; it is found by discovery. ``compile`` turns
one field definition into a :class:`Codec`, a bundle of closures that the hot path calls without looking at metadata
again.
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
    """A value that the field cannot take. ``code`` is stable; the message says what was found and what was expected.

    The codes, all of them:

    ========================  =====================================================================
    ``wrong_type``            another JSON type than the field reads (a list for a text …)
    ``bad_format``            the right JSON type, but not written as the field expects (a date, an address …)
    ``bad_characters``        characters that cannot be stored: NUL and other controls, lone surrogates, separators
    ``too_long``              more characters or items than allowed
    ``too_short``             fewer characters than required
    ``too_large``             more bytes or deeper nesting than allowed
    ``pattern``               does not match the field's pattern
    ``out_of_range``          below the smallest or above the largest value, or too many digits
    ``too_many_decimals``     more decimals than the field keeps; nothing is rounded silently
    ``unknown_option``        not one of the names that are defined (options, currencies, countries)
    ``bad_reference``         not the id of a record or file that the field may point to
    ``missing_part``          a part of a compound value is missing
    ``not_allowed``           well formed, but refused (an inactive option, a scheme, an unknown key …)
    ========================  =====================================================================

    ``details`` carry ``found`` and ``expected``, for compound values also ``part``.
    """

    code = "invalid_value"

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message, **details)
        self.code = code


class Environment(Protocol):
    """What a field may ask of its tenant's metadata and settings while it is compiled."""

    @property
    def default_currency(self) -> str:
        """ISO 4217 code of the organisation's (corporate) currency."""
        ...

    @property
    def default_country(self) -> str:
        """ISO 3166 alpha-2 code used to read phone numbers and addresses without a country."""
        ...

    @property
    def currencies(self) -> Mapping[str, int]:
        """Known ISO 4217 codes and their number of minor digits."""
        ...

    def picklist(self, name: str) -> Mapping[str, Any] | None:
        """Return the shared picklist document called ``name``, or None."""
        ...

    def document(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Return a document of the tenant's metadata, or None."""
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
    """One physical column.

    ``suffix`` is empty for the main column, else appended to the field's column name after ``__``.
    """

    type: sa.types.TypeEngine[Any]
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a field for queries and formulas, such as ``address.city`` or ``amount.currency``."""

    suffix: str
    category: str
    to_json: Callable[[Any], Any] | None = None
    parse: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """The compiled behaviour of one field.

    ``parse`` reads a JSON value that is not null and returns the Python value; it raises :class:`InvalidValue`. The
    null rule is the caller's: null never reaches a codec. With several columns, ``to_columns`` and ``from_columns``
    convert between the value and one tuple in column order; they are None where the value is stored as it is, in one
    column. ``columns[0]`` is the main column: SQL NULL exactly when the value is null. ``parse`` and ``from_text``
    return None for a blank text, a list without items and a compound value without parts: all of these are null.
    ``to_json`` and ``to_text`` are None where the value itself will do. ``to_text``/``from_text`` are the form used in
    CSV and XLSX; ``from_text`` reads what ``to_text`` wrote. ``check_change`` judges a new value against the stored one
    (None for a new record) and raises :class:`InvalidValue`, for instance when an inactive option is chosen anew.
    ``compare`` is a key for sorting and equality in Python that orders as the main column does in SQL (None: the
    value). ``shadow`` has the column of the stored copy of a computed value that is indexed.
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
    check_change: Callable[[Any, Any], None] | None = None
    shadow: tuple[Column, ...] = ()


class FieldType:
    """A kind of field. Subclasses set the class attributes and implement :meth:`compile`."""

    name: ClassVar[str]
    label: ClassVar[Mapping[str, str]]
    icon: ClassVar[str] = "forms"
    options: ClassVar[Mapping[str, Any]] = {}
    required_options: ClassVar[tuple[str, ...]] = ()
    category: ClassVar[str] = "text"
    widget: ClassVar[str] = "text"
    stored: ClassVar[bool] = True
    """False when values have no columns: they are computed when they are read (formula)."""
    parts: ClassVar[Mapping[str, str]] = {}
    """Parts that paths may end with (``amount.currency``), with the category of each."""
    computed: ClassVar[bool] = False
    """True when people and programs cannot write the field (auto-number, formula, roll-up)."""
    derived: ClassVar[bool] = False
    """True when Trellis keeps the stored value right by other records: a change of it is no change of the record."""
    unique_allowed: ClassVar[bool] = True
    always_required: ClassVar[bool] = False
    """True when a field of this type is required whatever its document says."""

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        """Yield what is wrong with ``field`` beyond its shape."""
        return ()

    def check_default(
        self, field: FieldDoc, pointer: str, known: Environment | Snapshot | None
    ) -> Iterable[Diagnostic]:
        """Yield why the field's ``default`` (at ``pointer``) is not a value of the field.

        A default ``{"formula": …}`` is the formula checker's. What ``known`` cannot tell is not judged: a snapshot
        knows shared picklists, but no currencies and record ids. Options that are wrong in themselves are
        :meth:`check`'s.
        """
        default = field.get("default")
        if self.computed or (isinstance(default, Mapping) and set(default) == {"formula"}):
            return
        if default is None:
            if "default" in field:
                message = "The default is null, which is what a record has anyway."
                yield Diagnostic("bad_default", pointer, message, "Remove the default.")
            return
        found = self.value_problem(field, default, known)
        if found is not None:
            message = f"The default is not a value of the field. {found}"
            yield Diagnostic("bad_default", pointer, message, "Change the default or remove it.")

    def value_problem(
        self, field: FieldDoc, value: Any, known: Environment | Snapshot | None, *, part: str | None = None
    ) -> str | None:
        """Return why ``value`` (not null) is no value of the field, or of its ``part``; None when it is one.

        What ``known`` cannot tell is not judged.
        """
        try:
            codec = self.compile(field, snapshot_environment(known))
            parse = codec.parse if part is None else codec.parts[part].parse
        except Exception:
            return None
        try:
            if parse is not None:
                parse(value)
        except _NeedsEnvironment:
            return None
        except InvalidValue as problem:
            return problem.message
        return None

    def check_of(self, field: FieldDoc, pointer: str, object_name: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        """Yield what is wrong with ``field`` as a field of ``object_name``, among the other documents."""
        return ()

    def held(self, field: FieldDoc, documents: Callable[[str, str], Mapping[str, Any] | None]) -> FieldDoc:
        """Return the plain field whose values this one has: itself, unless its value is computed from others."""
        return field

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        """Return the field's compiled behaviour. ``field`` passed validation."""
        raise NotImplementedError

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        """Names of types that values of ``field`` can be converted to by way of text form and back-fill."""
        return frozenset({"text", "long_text"})


class _NeedsEnvironment(Exception):
    """A field asked for its tenant where none is known."""


class _SnapshotEnvironment:
    """Stands for the tenant while metadata is checked without one; a question that it cannot answer ends the check."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._snapshot = snapshot

    def picklist(self, name: str) -> Mapping[str, Any] | None:
        return self.document("picklist", name)

    def document(self, kind: str, name: str) -> Mapping[str, Any] | None:
        if self._snapshot is None:
            raise _NeedsEnvironment(name)
        return self._snapshot.get(kind, name)

    def __getattr__(self, name: str) -> Any:
        raise _NeedsEnvironment(name)


def snapshot_environment(known: Any) -> Any:
    """Return an environment for ``known``: itself, or a snapshot's, in which questions about the tenant end the check."""
    return known if hasattr(known, "parse_id") else _SnapshotEnvironment(known)
