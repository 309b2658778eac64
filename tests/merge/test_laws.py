"""Laws of the merge, for generated triples of a version, a vendor's new version and a customer's metadata."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from merge.triples import LANGUAGE, triple

from trellis_metadata import operations as ops
from trellis_metadata.addresses import ABSENT, find
from trellis_metadata.merge import Merge, Outcome, Verdict, merge
from trellis_metadata.merge.pruning import errors_in
from trellis_metadata.plan import diff
from trellis_metadata.snapshot import Snapshot

TRIPLES = 1000
CHUNKS = 10


def seeds(chunk: int) -> range:
    return range(chunk * TRIPLES // CHUNKS, (chunk + 1) * TRIPLES // CHUNKS)


def at(snapshot: Snapshot, kind: str, name: str, path: tuple[str, ...]) -> Any:
    document = snapshot.get(kind, name)
    return ABSENT if document is None else find(document, path)


def lost(before: Snapshot, after: Snapshot, result: Snapshot) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield what was changed from ``before`` to ``after`` and is not so in ``result``."""
    for op in diff(before, after, LANGUAGE).operations:
        path = getattr(op, "path", ())
        found = at(result, op.kind, op.name, path)
        wanted = at(after, op.kind, op.name, path)
        if isinstance(op, ops.AddDocument | ops.AddElement):
            fine = found is not ABSENT
        elif isinstance(op, ops.RemoveDocument | ops.RemoveElement):
            fine = found is ABSENT
        elif isinstance(op, ops.ReorderElements):
            names = [e["name"] for e in found] if isinstance(found, list) else []
            old = at(before, op.kind, op.name, path)
            stays = [n for n in op.order if n in names]
            unmoved = [e["name"] for e in old if e["name"] in stays] == stays
            fine = unmoved or stays == [n for n in names if n in op.order]
            path = (*path, "#order")
        elif isinstance(found, list) and isinstance(wanted, list):
            fine = entries_arrive(at(before, op.kind, op.name, path), wanted, found)
        else:
            fine = (found is not ABSENT and wanted is not ABSENT and found == wanted) or found is wanted
            if isinstance(found, dict) and isinstance(wanted, dict):
                old = at(before, op.kind, op.name, path)
                news = {k: v for k, v in wanted.items() if not isinstance(old, dict) or old.get(k) != v}
                fine = all(found.get(k) == v or entries_arrive([], v, found.get(k)) for k, v in news.items())
        if not fine:
            yield op.kind, op.name, path


def entries_arrive(before: Any, wanted: Any, found: Any) -> bool:
    """Whether the entries added are there and those removed are not, cells of a grid taken one by one."""
    if not isinstance(wanted, list) or not isinstance(found, list):
        return False
    old, new, now = (set(map(repr, flat(v))) for v in (before, wanted, found))
    return new - old <= now and not (old - new) & now


def flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return []
    return [cell for row in value for cell in (row if isinstance(row, list) else [row]) if cell is not None]


def speaks_of(outcome: Outcome, kind: str, name: str, path: tuple[str, ...]) -> bool:
    """Whether an outcome is about an element, about what contains it or what it contains."""
    shared = min(len(outcome.path), len(path))
    return (outcome.kind, outcome.name) == (kind, name) and outcome.path[:shared] == path[:shared]


def is_reported(merged: Merge, kind: str, name: str, path: tuple[str, ...]) -> bool:
    told = any(speaks_of(o, kind, name, path) or moved(o, kind, name, path) for o in merged.conflicts)
    return told or any((k, n) == (kind, name) for k, n, _ in merged.removed)


def moved(outcome: Outcome, kind: str, name: str, path: tuple[str, ...]) -> bool:
    """Whether the conflict is about the list of sections between which a cell moved."""
    if not path or path[-1] != "cells":
        return False
    same_list = (outcome.kind, outcome.name, outcome.path[:1]) == (kind, name, path[:1])
    return same_list


def check_laws(seed: int) -> None:
    base, theirs, ours = triple(seed)
    merged = merge(base, theirs, ours, LANGUAGE)
    assert merged.problems == () or list(merged.problems) == [], seed
    assert errors_in(LANGUAGE, merged.snapshot) == [], seed
    for place in lost(base, ours, merged.snapshot):
        assert not place, (seed, place)
    for place in lost(base, theirs, merged.snapshot):
        assert is_reported(merged, *place), (seed, place)
    assert merge(base, base, ours, LANGUAGE).snapshot == ours, seed
    assert merge(base, theirs, base, LANGUAGE).snapshot == theirs, seed
    assert merge(theirs, theirs, merged.snapshot, LANGUAGE).snapshot == merged.snapshot, seed
    if not merged.conflicts:
        assert merge(base, ours, theirs, LANGUAGE).snapshot == merged.snapshot, seed


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_laws_hold_for_generated_triples(chunk: int) -> None:
    for seed in seeds(chunk):
        check_laws(seed)


def test_generated_triples_have_conflicts_and_merges_of_all_kinds() -> None:
    merges = [merge(*triple(seed), LANGUAGE) for seed in range(150)]
    verdicts = {o.verdict for m in merges for o in m.outcomes}
    reasons = {o.reason for m in merges for o in m.conflicts}
    assert verdicts == set(Verdict)
    assert {"both_changed", "we_deleted", "they_deleted", "both_ordered", "still_used", "both_moved"} <= reasons


def test_outcomes_survive_json() -> None:
    for seed in range(40):
        for outcome in merge(*triple(seed), LANGUAGE).outcomes:
            again = Outcome.from_json(json.loads(json.dumps(outcome.to_json())))
            assert (again, again.key) == (outcome, outcome.key)


def test_every_answer_to_every_conflict_gives_valid_metadata_or_says_what_is_wrong() -> None:
    rng = random.Random(4)
    for seed in range(60):
        base, theirs, ours = triple(seed)
        answers = {o.key: rng.choice(list(type(o.recommended))) for o in merge(base, theirs, ours, LANGUAGE).conflicts}
        merged = merge(base, theirs, ours, LANGUAGE, answers)
        assert bool(errors_in(LANGUAGE, merged.snapshot)) == bool(merged.problems), seed


@pytest.mark.skipif("TRELLIS_FUZZ_SECONDS" not in os.environ, reason="make fuzz")
def test_fuzz_merges() -> None:
    end = time.monotonic() + int(os.environ["TRELLIS_FUZZ_SECONDS"])
    seed = TRIPLES
    while time.monotonic() < end:
        check_laws(seed)
        seed += 1
    print(f"{seed - TRIPLES} merges")
