"""What the commands for packs take: their arguments and options, and how they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from trellis.cli.state import State, existing
from trellis.packs.source import PackSource
from trellis_metadata.errors import TrellisError
from trellis_metadata.merge import Side

FOLDER = click.argument("folder", type=click.Path(path_type=Path))
PACK = click.argument("pack")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
CONFIRM = click.option("--confirm", metavar="HASH", help="Apply only the plan with this hash.")
OPTION = click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="An answer; the value as JSON or text."
)
PART = click.option(
    "--part", "parts", multiple=True, help="Install this part; without any, those that are recommended."
)
UNSIGNED = click.option("--unsigned", is_flag=True, help="Take an archive that nobody trusted has signed.")
NO_CASES = click.option("--no-cases", is_flag=True, help="Do not run the pack's cases.")
BROKEN = click.option("--accept-broken-cases", is_flag=True, help="Go on although cases fail.")
WITH = click.option(
    "--with", "others", multiple=True, type=click.Path(path_type=Path), help="Folder of a pack that this one requires."
)


class BadAnswer(TrellisError):
    """An option or a choice on the command line is not well formed."""

    code = "bad_answer"


@contextmanager
def source_of(state: State, pack: str, *, unsigned: bool = False) -> Iterator[PackSource]:
    """Yield the pack that a name, a folder or an archive stands for."""
    from trellis.packs.shelf import Shelf, source_at

    path = Path(pack)
    shelf = Shelf(state.home.resolve())
    if path.exists():
        with source_at(path, None if unsigned else shelf.trust) as source:
            yield source
    else:
        with shelf.source(pack) as source:
            yield source


def answers(given: Sequence[str]) -> dict[str, Any]:
    """Return the answers of ``NAME=VALUE`` texts. Raises :class:`BadAnswer`."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadAnswer(f"'{text[:100]}' is no answer. Write name=value.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def choices_of(given: Sequence[str]) -> dict[str, Side]:
    """Return the choices of ``KEY=SIDE`` texts. Raises :class:`BadAnswer`."""
    found = {}
    for text in given:
        key, _, side = text.partition("=")
        if side not in ("ours", "theirs"):
            raise BadAnswer(f"'{text[:100]}' is no choice. Write KEY=ours or KEY=theirs.")
        found[key] = Side(side)
    return found


def packs_around(others: Sequence[Path]) -> dict[str, PackSource]:
    """Return the shipped packs and those in folders, by name."""
    from trellis.packs.folders import find_packs
    from trellis.packs.source import read_pack

    found = {name: read_pack(folder) for name, folder in find_packs().items()}
    return found | {s.name: s for s in (read_pack(existing(p, folder=True)) for p in others)}
