"""TIMENOW"""

from trellis.formula.function import Function, Reads
from trellis.formula.functions.timevalue import timevalue

FUNCTION = Function(
    "TIMENOW",
    ("-> time",),
    "The current UTC time of day.",
    "dates",
    reads=Reads.CLOCK,
    context=True,
    python=lambda context: timevalue(context.now),
    postgresql="date_trunc('milliseconds', {now} AT TIME ZONE 'UTC')::time",
    examples=(("TIMENOW() - TIMENOW()", "0"),),
)
