"""Automations: what happens by itself when something happens (decision 0010)."""

from trellis.automation.performing import StepsFailed, perform

__all__ = ["StepsFailed", "perform"]
