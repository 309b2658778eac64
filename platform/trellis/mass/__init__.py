"""Changing many records as one step: chosen, tried, carried out at once or by the worker, and undone as one."""

from trellis.mass.change import BadMassChange, MassChange
from trellis.mass.running import PREVIEWED, Trial, run_job, start, try_out
from trellis.mass.steps import AT_ONCE, Step, refusals_of, step_of
from trellis.mass.undoing import undo

__all__ = [
    "AT_ONCE",
    "PREVIEWED",
    "BadMassChange",
    "MassChange",
    "Step",
    "Trial",
    "refusals_of",
    "run_job",
    "start",
    "step_of",
    "try_out",
    "undo",
]
