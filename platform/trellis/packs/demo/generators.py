"""Finds the generator of a pack: the module of this package that is named after it, with ``tell(story)``."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from random import Random

from trellis.packs.demo.record import DemoRecord, Story
from trellis.packs.folders import pack_folder
from trellis_metadata.errors import TrellisError

SEED = 2


class NoDemo(TrellisError):
    """The pack has no demo data."""

    code = "no_demo"


def generate(name: str, today: date, seed: int = SEED) -> list[DemoRecord]:
    """Return the demo records of a pack, oldest first within each object.

    The same ``today`` and ``seed`` give the same records. Raises :class:`UnknownPack` or :class:`NoDemo`.
    """
    folder = pack_folder(name) / "demo"
    try:
        module = import_module(f"{__package__}.{name}")
    except ModuleNotFoundError as missing:
        if missing.name != f"{__package__}.{name}":
            raise
        raise NoDemo(f"Pack '{name}' has no demo data.") from None
    story = Story(folder, today, Random(seed))
    module.tell(story)
    return sorted(story.records, key=lambda r: str(r.values.get("created_at", "")))
