"""Three-way merge of metadata by element: nothing that a customer changed is lost, nothing of a new version is dropped
unseen."""

from trellis_metadata.merge.merging import merge
from trellis_metadata.merge.outcome import Address, Choices, Merge, Outcome, Side, Verdict
from trellis_metadata.merge.pruning import prune
from trellis_metadata.merge.security import Flag, security_flags

__all__ = [
    "Address",
    "Choices",
    "Flag",
    "Merge",
    "Outcome",
    "Side",
    "Verdict",
    "merge",
    "prune",
    "security_flags",
]
