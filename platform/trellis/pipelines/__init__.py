"""Pipelines: the stages of a process, guarded on every path that writes."""

from trellis.pipelines.choosing import choose_pipelines
from trellis.pipelines.guarding import guard_pipelines
from trellis.pipelines.recording import record_stays

__all__ = ["choose_pipelines", "guard_pipelines", "record_stays"]
