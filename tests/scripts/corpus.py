"""Cases as text, readable and easy to add: ``=== name -> expectation``, then the source. ``$`` before a source that is made
by an expression (too long to write down)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOTHING = object()


@dataclass(frozen=True)
class Case:
    """``expect`` are the statuses allowed; ``result`` what the value must be if it is given."""

    name: str
    source: str
    expect: tuple[str, ...]
    result: Any = NOTHING


def _read(file: Path) -> Iterator[tuple[str, str, str]]:
    for part in file.read_text(encoding="utf-8").split("=== ")[1:]:
        if "\n" not in part:
            continue
        head, _, body = part.partition("\n")
        name, _, expect = head.partition(" -> ")
        source = body.rstrip("\n")
        yield f"{file.stem}: {name}", eval(source[2:]) if source.startswith("$ ") else source, expect


def attacks() -> list[Case]:
    """Return the attacks: sources that must be refused, fail, be ended, or get nothing for their trouble."""
    found = []
    for file in sorted((HERE / "attacks").glob("*.txt")):
        for name, source, expect in _read(file):
            statuses, _, result = expect.partition(" result=")
            found.append(Case(name, source, tuple(statuses.split(",")), json.loads(result) if result else NOTHING))
    return found


def legitimate() -> list[Case]:
    """Return sources that must work; ``result`` holds the changes of the record that they must make."""
    return [
        Case(name, source, ("ok",), json.loads(expect))
        for file in sorted((HERE / "legitimate").glob("*.txt"))
        for name, source, expect in _read(file)
    ]
