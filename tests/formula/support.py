"""Where the conformance corpus lies, and how a found value is compared with an expected one."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(os.environ.get("TRELLIS_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")


def corpus_lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a corpus file; skip the test, loudly, when there is none beside the checkout."""
    path = CORPUS / name
    if not path.exists():
        message = f"NO CORPUS: {path} is missing, so conformance was not tested (set TRELLIS_CORPUS)"
        warnings.warn(message, stacklevel=2)
        pytest.skip(message)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def agrees(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Say whether an answer is what the case expects: that there is an error matters, not its kind."""
    expected = case["expected"]
    if isinstance(expected, dict):
        return "error" in answer
    return "value" in answer and _same(case, expected, answer["value"])


def _same(case: dict[str, Any], expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return bool(expected) == bool(found)
    if case["return_type"] in ("Number", "Currency", "Percent") and expected is not None and found is not None:
        a, b = Decimal(expected), Decimal(found)
        return a == b or (bool(case.get("approx")) and abs(a - b) <= Decimal("1e-9") * max(abs(a), abs(b)))
    # Outer white space of texts is not significant in the corpus.
    return (expected or "").strip() == (found or "").strip()
