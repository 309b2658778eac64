"""TODAY"""

from trellis.formula.function import Function, Reads

FUNCTION = Function(
    "TODAY",
    ("-> date",),
    "The current day in the organisation's zone.",
    "dates",
    reads=Reads.CLOCK | Reads.ZONE,
    context=True,
    python=lambda context: context.today,
    postgresql="{today}",
    examples=(("TODAY() - TODAY()", "0"),),
)
