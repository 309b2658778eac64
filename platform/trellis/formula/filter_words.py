"""What the functions that filters are written with share. They mean what the operators of the filter builder mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time

from trellis.formula.sql.pieces import Sql
from trellis.formula.values import Context
from trellis.relative_dates import NAMES, Range, pieces_of, range_of
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Const, Node
from trellis_metadata.formula.types import FREE, WORDS, Type, common

TEXTS = (Type.TEXT, Type.REFERENCE, Type.PICKLIST)
Bound = date | datetime
Moment = tuple[Bound, Bound]


def same_kind(name: str) -> Callable[[Sequence[Node]], Type | Complaint]:
    """Return the check of a function that compares its first argument with the others."""

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        subject = nodes[0].type
        if subject in (Type.LOCATION, Type.MULTIPICKLIST):
            return Complaint(f"{name} cannot compare {WORDS[subject]}.", 0)
        for index, node in enumerate(nodes[1:], 1):
            joined = Type.TEXT if subject in TEXTS and node.type in TEXTS else common(subject, node.type)
            if joined is None:
                return Complaint(f"{name} compares {WORDS[subject]} with {WORDS[node.type]} here.", index)
            subject = joined
        return Type.BOOLEAN

    return check


def ascii_lower(text: str) -> str:
    """Return the text with A to Z in small letters, as ``lower()`` does in both databases (collation "C")."""
    return text if text.islower() and text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)


def option_list(name: str) -> Callable[[Sequence[Node]], Type | Complaint]:
    """Return the check of a function over a multi-select picklist and names of options."""

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        if nodes[0].type not in (Type.MULTIPICKLIST, *FREE):
            return Complaint(f"{name} needs a multi-select picklist, but {WORDS[nodes[0].type]} is given.", 0)
        for index, node in enumerate(nodes[1:], 1):
            if node.type not in (Type.TEXT, *FREE):
                return Complaint(f"{name} needs names of options, but {WORDS[node.type]} is given.", index)
        return Type.BOOLEAN

    return check


def has_option(values: tuple[str, ...] | None, option: str | None) -> bool:
    """Say whether an option is among the chosen ones."""
    return option is not None and f";{option};" in f";{';'.join(values or ())};"


def each_option(joiner: str) -> Callable[[Sequence[Node], Sequence[Sql]], Sql]:
    """Return the PostgreSQL body: the options asked for one by one, joined by AND or OR."""

    def body(_: Sequence[Node], args: Sequence[Sql]) -> Sql:
        one = "(strpos(coalesce({0}, ''), ';' || coalesce({%d}, ';') || ';') > 0)"
        return args[0].wrap("(" + joiner.join(one % i for i in range(1, len(args))) + ")", args)

    return body


def period_check(name: str) -> Callable[[Sequence[Node]], Type | Complaint]:
    """Return the check of a function over a date (or moment) and the name of a period, which must stand there as a text."""

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        if nodes[0].type not in (Type.DATE, Type.DATETIME, *FREE):
            return Complaint(f"{name} needs a date or a date and time, but {WORDS[nodes[0].type]} is given.", 0)
        period = nodes[1]
        found = period.value if isinstance(period, Const) else None
        if range_of(found, date(2000, 1, 1)) is None:
            hint = did_you_mean(str(found)[:40], NAMES) if isinstance(found, str) else ""
            return Complaint(f'{name} needs a period such as "THIS_MONTH" or "LAST_N_DAYS:30".{hint}', 1, "bad_period")
        return Type.BOOLEAN

    return check


def by_period(judge: Callable[[Bound, Moment], bool]) -> Callable[[Context, Bound | None, str], bool]:
    """Return the Python body: ``judge`` gets the value, and the first moment of the period and after it."""

    def body(context: Context, value: Bound | None, period: str) -> bool:
        span = range_of(period, context.today)
        if value is None or span is None:
            return False
        return judge(value, _moments(span, context) if isinstance(value, datetime) else span)

    return body


def _moments(span: Range, context: Context) -> Moment:
    first, after = (_midnight(day, context) for day in span)
    return first, after


def _midnight(day: date, context: Context) -> datetime:
    try:
        return datetime.combine(day, time(), context.zone).astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar, moved by the zone
        return (datetime.min if day.year == 1 else datetime.max).replace(tzinfo=UTC)


def period_sql(template: str) -> Callable[[Sequence[Node], Sequence[Sql]], Sql]:
    """Return the PostgreSQL body. In ``template`` LOW and HIGH stand for the first moment of the period and after it."""

    def body(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
        period = nodes[1]
        assert isinstance(period, Const)
        span = pieces_of(period.value)
        assert span is not None
        low, high = (_day_sql(piece) for piece in span)
        if nodes[0].type is Type.DATETIME:
            low, high = (f"(({end})::timestamp AT TIME ZONE {{zone}})" for end in (low, high))
        filled = template.replace("LOW", low).replace("HIGH", high)
        return args[0].wrap(f"coalesce({filled}, false)", args[:1])

    return body


def _day_sql(piece: tuple[str, int]) -> str:
    unit, count = piece
    if unit == "day":
        return f"({{today}} + {count})"
    start = f"date_trunc('{unit}', {{today}}::timestamp)"
    if unit == "week":
        return f"({start}::date + {7 * count})"
    months = {"month": 1, "quarter": 3, "year": 12}[unit] * count
    return f"greatest(({start} + interval '{months} months')::date, date '0001-01-01')"
