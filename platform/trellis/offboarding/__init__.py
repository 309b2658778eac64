"""Offboarding: somebody leaves, his access ends at once, and what he owned goes to others by rule. It can be taken back."""

from trellis.offboarding.handing_over import BadHandover, Handover, UnknownHandover, handover_of, start, take_back
from trellis.offboarding.holdings import holdings

__all__ = ["BadHandover", "Handover", "UnknownHandover", "handover_of", "holdings", "start", "take_back"]
