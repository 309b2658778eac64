"""LOOKUP bound to the decision tables of one version of the metadata."""

from __future__ import annotations

from collections.abc import Mapping

from trellis.formula.function import Function
from trellis.formula.functions import functions
from trellis_metadata.snapshot import Snapshot


def functions_with_tables(snapshot: Snapshot) -> Mapping[str, Function]:
    """Return all functions, with LOOKUP over the decision tables of ``snapshot``."""
    return functions()
