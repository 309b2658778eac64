"""NOW"""

from trellis.formula.function import Function, Reads

FUNCTION = Function(
    "NOW",
    ("-> datetime",),
    "The current moment; the same throughout one evaluation.",
    "dates",
    reads=Reads.CLOCK,
    context=True,
    python=lambda context: context.now,
    postgresql="{now}",
    examples=(("NOW() - NOW()", "0"),),
)
