"""Functions of the expression language that reckon with a calendar: bound to the calendars of one version of the metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from trellis.calendars.calendar import NeverOpen
from trellis.calendars.compiled import calendars_in, default_name
from trellis.calendars.working_time import WorkingTime
from trellis.formula.function import Function, Reads
from trellis.formula.values import Closure, Context, fail
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.formula.functions import Complaint, FunctionSpec
from trellis_metadata.formula.typed import Const, Node
from trellis_metadata.formula.types import Type
from trellis_metadata.snapshot import Snapshot

NOTE = " The calendar is named by a fixed text; without one it is that of the organisation."


def calendar_function(
    name: str,
    signature: str,
    summary: str,
    body: Callable[..., Any],
    examples: tuple[tuple[str, str], ...],
) -> Function:
    """Return a function whose last, optional argument names a calendar; ``body`` gets the calendar and the other values.

    A blank argument gives a blank. A result outside the years that calendars know is an error.
    """
    arguments, result = (part.strip() for part in signature.split("->"))
    form = f"{arguments}, text? -> {result}"
    least = len(arguments.split(","))

    def bind(snapshot: Snapshot) -> Function:
        known, default = calendars_in(snapshot), default_name(snapshot)
        spec = FunctionSpec(name, (form,), summary, "dates")

        def check(nodes: Sequence[Node]) -> Type | Complaint:
            found = spec.infer(nodes)
            if isinstance(found, Complaint):
                return found
            if len(nodes) == least:
                missing = f"{name} needs a calendar: name one, or make one the calendar of the organisation."
                return found if default is not None else Complaint(missing, code="unknown_calendar")
            chosen = nodes[-1].value if isinstance(nodes[-1], Const) else None
            if not isinstance(chosen, str):
                return Complaint(f"{name} names its calendar by a fixed text.", least)
            if chosen not in known:
                hint = did_you_mean(chosen, known)
                return Complaint(f"There is no calendar '{chosen}'.{hint}", least, "unknown_calendar")
            return found

        def build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
            last = nodes[-1]
            chosen = str(last.value) if len(nodes) > least and isinstance(last, Const) else default
            assert chosen is not None
            return _closure(body, known[chosen], closures[:least])

        digests = snapshot.digests
        content = "".join(digests["calendar", n] for n in known)
        return replace(declared, check=check, build=build, content=content, unavailable="", bind=None)

    declared = Function(
        name,
        (form,),
        summary + NOTE,
        "dates",
        reads=Reads.ORGANISATION,
        check=None,
        count=(least, least + 1),
        refused=f"{name} depends on a calendar, which PostgreSQL cannot reckon with",
        examples=examples,
        unavailable=f"{name} needs calendars, and there are none here.",
        bind=bind,
    )
    return declared


def _closure(body: Callable[..., Any], calendar: WorkingTime, closures: Sequence[Closure]) -> Closure:
    def call(context: Context) -> Any:
        values = [closure(context) for closure in closures]
        if None in values:
            return None
        try:
            return body(calendar, *values)
        except (NeverOpen, OverflowError) as problem:
            fail("bad_date", getattr(problem, "message", "The date lies beyond what calendars know."))

    return call
