"""Where packs are: beside the installed package, else in the checkout.

A wheel carries the packs as ``trellis/_packs``; in a checkout (and an editable installation) they are in
``industry_packs``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trellis
from trellis.publishing.publisher import InvalidMetadata
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.files import PACK_FILE, read_folder
from trellis_metadata.names import is_name


class UnknownPack(TrellisError):
    """There is no pack of that name."""

    code = "unknown_pack"


def find_packs() -> dict[str, Path]:
    """Return the folders of all packs that can be installed, by name."""
    package = Path(trellis.__file__).resolve().parent
    for root in (package / "_packs", package.parents[1] / "industry_packs"):
        if root.is_dir():
            folders = sorted(root.iterdir())
            return {f.name: f for f in folders if is_name(f.name) and (f / PACK_FILE).is_file()}
    return {}


def pack_folder(name: str) -> Path:
    """Return the folder of a pack. Raises :class:`UnknownPack`."""
    packs = find_packs()
    if name not in packs:
        raise UnknownPack(f"There is no pack '{str(name)[:80]}'.{did_you_mean(name, packs)}")
    return packs[name]


def pack_documents(name: str) -> list[Any]:
    """Return the documents of a pack, the pack's own among them.

    Raises :class:`UnknownPack`, or :class:`InvalidMetadata` when files of the folder cannot be read or stand in the
    wrong place.
    """
    documents, problems = read_folder(pack_folder(name))
    if problems:
        raise InvalidMetadata(problems)
    return documents
