"""What a pipeline allows, written apart from the product: straight from the documents, over plain dictionaries."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def initial(document: dict[str, Any]) -> list[str]:
    stages = document["stages"]
    stated = [s["name"] for s in stages if s.get("initial")]
    if stated:
        return stated
    opening = [s["name"] for s in stages if "closed" not in s]
    if "moves" in document:
        entered = {pair[1] for pair in document["moves"]}
        free = [n for n in opening if n not in entered]
        if free:
            return free
    return opening[:1]


def may(document: dict[str, Any], old: Record | None, new: Record, done: set[tuple[str, str]]) -> bool:
    """Say whether a record may become ``new``. ``done`` are the ticked (stage, activity) pairs."""
    stages = {s["name"]: s for s in document["stages"]}
    target = stages.get(new["stage"])
    if target is None:
        return False
    lacking = [n for n in target.get("requires", ()) if new.get(n) is None]
    if old is not None and old["stage"] == new["stage"]:
        return not any(old.get(n) is not None for n in lacking)
    if lacking or not _met(target, new):
        return False
    if old is None:
        return new["stage"] in initial(document)
    source = stages[old["stage"]]
    return _leads(document, source, target) and _finished(document, source, target, done)


def _met(stage: dict[str, Any], record: Record) -> bool:
    limit = stage.get("_above")
    return limit is None or (record.get("amount") or 0) > limit


def _leads(document: dict[str, Any], source: dict[str, Any], target: dict[str, Any]) -> bool:
    listed = [source["name"], target["name"]] in document.get("moves", [])
    if "closed" in source:
        return listed or (source.get("reopen", False) and "closed" not in target)
    return listed or "moves" not in document


def _finished(document: dict[str, Any], source: dict[str, Any], target: dict[str, Any], done: set[Any]) -> bool:
    if "closed" in source:
        return True
    order = [s["name"] for s in document["stages"]]
    forward = "closed" not in target and order.index(target["name"]) > order.index(source["name"])
    if not forward and target.get("closed") != "won":
        return True
    blocking = [a["name"] for a in source.get("activities", ()) if a.get("required")]
    return all((source["name"], name) in done for name in blocking)
