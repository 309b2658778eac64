"""STARTOF and ENDOF in PostgreSQL. The first month of a fiscal year is a setting that the statement does not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trellis.formula.sql.pieces import Refused, Sql
from trellis_metadata.formula.typed import Const, Node

_STARTS = {
    "week": "date_trunc('week', ({0})::timestamp)::date",
    "month": "date_trunc('month', ({0})::timestamp)::date",
    "quarter": "date_trunc('quarter', ({0})::timestamp)::date",
    "half": "make_date(extract(year FROM {0})::integer, CASE WHEN extract(month FROM {0}) < 7 THEN 1 ELSE 7 END, 1)",
    "year": "date_trunc('year', ({0})::timestamp)::date",
}
_LENGTHS = {"week": "7 days", "month": "1 month", "quarter": "3 months", "half": "6 months", "year": "1 year"}


def period_sql(name: str, *, end: bool = False) -> Callable[[Sequence[Node], Sequence[Sql]], Sql]:
    """Return the body of a function of a period and a day: its first day, or its last. Raises ``Refused``."""

    def body(nodes: Sequence[Node], args: Sequence[Sql]) -> Sql:
        period = nodes[0].value if isinstance(nodes[0], Const) else "that is worked out"
        if period is None:
            return Sql(("NULL::date",), args[1].error)
        start = _STARTS.get(str(period))
        if start is None:
            raise Refused(f"{name} of the period {period} has no SQL on PostgreSQL")
        if not end:
            return args[1].wrap(start, [args[1]])
        last = f"({start} + interval '{_LENGTHS[str(period)]}' - interval '1 day')::date"
        # A last day after the year 9999 is no date of the language.
        return args[1].wrap(f"(CASE WHEN {last} <= date '9999-12-31' THEN {last} END)", [args[1]])

    return body
