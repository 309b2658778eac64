"""The project that ``trellis plugin new`` writes: the files of ``project/``, with the plug-in's name in its places.

The files end in ``.txt`` so that no tool takes them for the product's own.
"""

from __future__ import annotations

import keyword
from pathlib import Path
from string import Template

from trellis_metadata.errors import TrellisError
from trellis_metadata.names import is_name

SOURCE = Path(__file__).parent / "project"


class CannotWriteTemplate(TrellisError):
    """The folder holds something already, or the name is none of a package."""

    code = "cannot_write_template"


def write_template(folder: Path, name: str) -> list[str]:
    """Write the project of a plug-in called ``name`` into ``folder``; return the paths of its files.

    Raises :class:`CannotWriteTemplate` and then writes nothing.
    """
    if not is_name(name) or keyword.iskeyword(name):
        raise CannotWriteTemplate(
            f"'{name[:60]}' is no name of a plug-in: lower-case letters, digits and single '_', at most 40."
        )
    if folder.exists() and any(folder.iterdir()):
        raise CannotWriteTemplate(f"'{folder}' is not empty. Name a new folder.")
    values = {"name": name, "dashed": name.replace("_", "-"), "upper": name.replace("_", "").upper()}
    made = []
    for source in sorted(SOURCE.rglob("*.txt")):
        place = source.relative_to(SOURCE).with_suffix("")
        target = folder / Path(*(name if part == "package" else part for part in place.parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(source.read_text("utf-8")).substitute(values), encoding="utf-8")
        made.append(target.relative_to(folder).as_posix())
    return made
