"""What the front end knows about a function: its signatures, its blank rule, what it reads, and its own check.

Bodies live in the runtime, in the same file as the declaration; a registry of functions reaches the checker through the
scope, so that this package stays pure. A signature is written as text: ``"text, number, text? -> text"``. Types may be
joined by ``|``, ``any`` is every type, ``T`` is one type throughout, ``?`` marks optional and ``...`` repeated
arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from functools import cached_property
from typing import TYPE_CHECKING

from trellis_metadata.formula.types import WORDS, Type, common, fits

if TYPE_CHECKING:
    from trellis_metadata.formula.typed import Node


class Reads(Flag):
    """What a result depends on besides the fields of its own row."""

    ROW = 0
    RECORDS = auto()
    CLOCK = auto()
    USER = auto()
    ZONE = auto()
    CHANGE = auto()
    ORGANISATION = auto()


class Blanks(StrEnum):
    """What a blank argument does."""

    PASS = "a blank argument gives a blank"
    OWN = "see the description"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: accepted types (empty: any), or the type variable ``T``."""

    types: frozenset[Type]
    variable: bool = False
    optional: bool = False
    repeated: bool = False

    def words(self) -> str:
        return " or ".join(WORDS[t] for t in Type if t in self.types) or "a value"


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters and result of one form of a function. ``result`` None is the type variable."""

    text: str
    params: tuple[Param, ...]
    result: Type | None

    @property
    def least(self) -> int:
        return sum(1 for p in self.params if not p.optional)

    @property
    def most(self) -> int:
        return 255 if self.params and self.params[-1].repeated else len(self.params)

    def param(self, index: int) -> Param:
        return self.params[min(index, len(self.params) - 1)]


def signature(text: str) -> Signature:
    """Read a signature from its text form."""
    left, right = text.split("->")
    params = tuple(_param(p.strip()) for p in left.split(",") if p.strip())
    result = right.strip()
    return Signature(text.strip(), params, None if result in ("T", "any") else Type(result))


def _param(text: str) -> Param:
    optional, repeated = text.endswith("?"), text.endswith("...")
    word = text.rstrip("?.")
    if word in ("any", "T"):
        return Param(frozenset(), word == "T", optional, repeated)
    return Param(frozenset(Type(w) for w in word.split("|")), False, optional, repeated)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a function's own check found; ``argument`` None points at the whole call."""

    message: str
    argument: int | None = None
    code: str = "argument_type"


Check = Callable[[Sequence["Node"]], "Type | Complaint"]


@dataclass(frozen=True)
class FunctionSpec:
    """A function as the checker and the reference page see it.

    ``check`` replaces the matching of ``signatures`` (which then only document); ``count`` bounds its number of
    arguments and whether that number must be even or odd. ``lowers_to`` names the operator that the function is another
    spelling of.
    """

    name: str
    signatures: tuple[str, ...]
    summary: str
    category: str
    blanks: Blanks = Blanks.PASS
    reads: Reads = Reads.ROW
    examples: tuple[tuple[str, str], ...] = ()
    check: Check | None = field(default=None, compare=False)
    count: tuple[int, int] | None = None
    parity: int | None = None
    lowers_to: str | None = None
    children: bool = False
    """Takes a path through a child list; the call then reads a roll-up."""
    foreign: bool = False
    """Takes fields of other objects (``$object.rate.code``), which have no value of their own."""
    unavailable: str = ""
    """Why the function cannot be evaluated yet; using it is a problem that names this."""

    @cached_property
    def forms(self) -> tuple[Signature, ...]:
        return tuple(signature(s) for s in self.signatures)

    def wrong_count(self, given: int) -> str:
        """Return what is wrong with a number of arguments, or an empty text."""
        least, most = self.count or (min(f.least for f in self.forms), max(f.most for f in self.forms))
        if least <= given <= most and (self.parity is None or given % 2 == self.parity):
            return ""
        wanted = str(least) if least == most else f"{least} to {most}" if most < 255 else f"at least {least}"
        kind = "" if self.parity is None else " (an odd number)" if self.parity else " (an even number)"
        return f"{self.name} takes {wanted} argument{'' if wanted == '1' else 's'}{kind}, but {given} {'is' if given == 1 else 'are'} given."

    def infer(self, arguments: Sequence[Node]) -> Type | Complaint:
        """Return the type of a call with these arguments, or what is wrong with it."""
        if self.check is not None:
            return self.check(arguments)
        outcomes = [
            _match(self.name, form, arguments) for form in self.forms if form.least <= len(arguments) <= form.most
        ]
        for outcome in outcomes:
            if isinstance(outcome, Type):
                return outcome
        if not outcomes:
            return Complaint(f"{self.name} has no form with {len(arguments)} arguments.", code="argument_count")
        # The form that fits furthest is probably the one that was meant.
        return max((o for o in outcomes if isinstance(o, Complaint)), key=lambda o: o.argument or 0)


def _match(name: str, form: Signature, arguments: Sequence[Node]) -> Type | Complaint:
    variable = Type.BLANK
    for index, node in enumerate(arguments):
        param = form.param(index)
        if param.variable:
            joined = common(variable, node.type)
            if joined is None:
                return Complaint(
                    f"{name} needs values of one type here: {WORDS[variable]} and {WORDS[node.type]} do not go together.",
                    index,
                )
            variable = joined
        elif param.types and not any(fits(node.type, t) for t in param.types):
            return Complaint(
                f"Argument {index + 1} of {name} must be {param.words()}, but {WORDS[node.type]} is given.{_hint(param, node.type)}",
                index,
            )
    return variable if form.result is None else form.result


def _hint(param: Param, given: Type) -> str:
    if Type.TEXT in param.types and given in (Type.PICKLIST, Type.NUMBER, Type.DATE, Type.DATETIME, Type.TIME):
        return " Use TEXT(…)."
    if Type.NUMBER in param.types and given is Type.TEXT:
        return " Use VALUE(…)."
    if Type.DATE in param.types and given in (Type.TEXT, Type.DATETIME):
        return " Use DATEVALUE(…)."
    return ""
