"""Sample-data trees: files of records that point at each other by reference names, and the plan that orders them.

A plan is a list of ``{"sobject": …, "files": […]}`` as the Salesforce CLI writes it (``sf data export tree --plan``).
Object and field names are matched to the tenant's by what they have in common (``Product_Family__c``: ``product_family``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trellis.exchange.errors import BadSource
from trellis.exchange.readers import json_file
from trellis.exchange.source import Source, open_source
from trellis.exchange.targets import alike_key
from trellis.model import UnknownObject
from trellis_metadata.diagnostics import did_you_mean

if TYPE_CHECKING:
    from trellis.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a plan and the object its records belong to."""

    object: str
    source: Source


def is_plan(path: Path) -> bool:
    """Whether a file is a plan rather than records."""
    if path.suffix.lower() != ".json":
        return False
    value = json_file.load(path)
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(e, dict) and "sobject" in e and "files" in e for e in value)
    )


def read_plan(tenant: Tenant, path: Path, objects: Mapping[str, str] | None = None) -> list[Step]:
    """Return the steps of a plan, every file opened. ``objects`` answers which object a name of the plan means.

    Raises ``UnknownObject`` or ``BadSource``.
    """
    folder = path.resolve().parent
    steps = []
    for entry in json_file.load(path):
        name, files = entry["sobject"], entry["files"]
        if not isinstance(name, str) or not isinstance(files, list) or not all(isinstance(f, str) for f in files):
            raise BadSource(f"'{path.name}' is not a plan: each entry has a name ('sobject') and a list of files.")
        found = object_called(tenant, (objects or {}).get(name, name))
        for file in files:
            place = (folder / file).resolve()
            if not place.is_relative_to(folder):
                raise BadSource(f"'{file}' in '{path.name}' lies outside the plan's folder.")
            steps.append(Step(found, open_source(place)))
    return steps


def object_called(tenant: Tenant, name: str) -> str:
    """Return the tenant's object that a foreign name means. Raises ``UnknownObject``."""
    names = tenant.model().object_names
    if name in names:
        return name
    alike = [n for n in names if alike_key(n) == alike_key(name)]
    if len(alike) != 1:
        raise UnknownObject(
            f"There is no object for '{name[:80]}'.{did_you_mean(name.lower(), names)} Say which one it is, or add it."
        )
    return alike[0]


Progress = Callable[[str, int, int], Any]
