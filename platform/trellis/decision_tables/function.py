"""The functions for one version of the metadata: those that depend on documents are bound to them."""

from __future__ import annotations

from collections.abc import Mapping

from trellis.formula.function import Function
from trellis.formula.functions import functions
from trellis_metadata.snapshot import Snapshot


def functions_with_tables(snapshot: Snapshot) -> Mapping[str, Function]:
    """Return all functions, with LOOKUP over the decision tables and VLOOKUP over the objects of ``snapshot``."""
    found: Mapping[str, Function] | None = snapshot.__dict__.get("_functions")
    if found is None:
        found = {name: f.bind(snapshot) if f.bind else f for name, f in functions().items()}
        snapshot.__dict__["_functions"] = found
    return found
