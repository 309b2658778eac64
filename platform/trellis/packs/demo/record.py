"""What generators make: records with references to one another, before any of them has a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from trellis_metadata import json_text
from trellis_metadata.errors import TrellisError


class BadDemoData(TrellisError):
    """A data file of the demo cannot be read."""

    code = "bad_demo_data"


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to another demo record, by its object and key."""

    object: str
    key: str


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """A record to be made. ``key`` is unique in its object; values are as JSON has them, or a :class:`Ref`."""

    object: str
    key: str
    values: dict[str, Any]

    @property
    def ref(self) -> Ref:
        """The reference to this record."""
        return Ref(self.object, self.key)

    def references(self) -> Iterator[Ref]:
        """Yield what the record points to."""
        return (v for v in self.values.values() if isinstance(v, Ref))


@dataclass
class Story:
    """The records so far, with the data files, the day on which the story ends, and the source of chance."""

    folder: Path
    today: date
    random: Random
    records: list[DemoRecord] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Names that were given and must not be given again."""
    _files: dict[str, Any] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def data(self, name: str) -> Any:
        """Return the content of ``<name>.json``. Raises :class:`BadDemoData`."""
        if name not in self._files:
            value, problems = json_text.read((self.folder / f"{name}.json").read_bytes(), f"demo/{name}.json")
            if problems:
                raise BadDemoData(f"demo/{name}.json: {problems[0].message}")
            self._files[name] = value
        return self._files[name]

    def add(self, object_name: str, values: Mapping[str, Any], *, key: str = "") -> DemoRecord:
        """Add a record, under the next number of its object unless it has a key of its own. Nulls are left out."""
        number = self._counts[object_name] = self._counts.get(object_name, 0) + 1
        record = DemoRecord(object_name, key or f"{number:04d}", {k: v for k, v in values.items() if v is not None})
        self.records.append(record)
        return record

    def weighted(self, choices: Mapping[str, float]) -> str:
        """Choose a key by its weight."""
        return self.random.choices(list(choices), list(choices.values()))[0]
