"""The gallery: every pack that is installed or could be, with what an admin wants to know before choosing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trellis.packs.checking import load_order
from trellis.packs.pack_plan import languages_of
from trellis.packs.ranges import parse_version
from trellis.packs.shelf import Shelf
from trellis.packs.source import PackSource
from trellis.packs.state import installed_names
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def gallery(tenant: Tenant, language: str = "en") -> list[dict[str, Any]]:
    """Return one entry per pack, installed ones first, with words in ``language``."""
    snapshot, shelf = tenant.model().snapshot, Shelf.of(tenant)
    have = installed_names(snapshot)
    sources: dict[str, PackSource] = {}
    broken: dict[str, str] = {}
    for name in shelf.names():
        try:
            with shelf.source(name) as source:
                sources[name] = source
        except TrellisError as problem:
            broken[name] = problem.message
    entries = [_entry(s, have, sources, language) for s in sources.values()]
    entries += [_gone(d, language) for n, d in snapshot.of_kind("pack").items() if n not in sources]
    entries += [{**_blank(n), "problem": p} for n, p in broken.items() if n not in have]
    return sorted(entries, key=lambda e: (not e["installed"], e["name"]))


def _entry(source: PackSource, have: dict[str, str], sources: dict[str, PackSource], language: str) -> dict[str, Any]:
    document, installed = source.document, have.get(source.name)
    needed = [n for n in load_order(source.name, sources)[:-1] if n not in have]
    content = Snapshot.of(d for d in source.documents if isinstance(d, dict) and "kind" in d and "name" in d)
    return {
        **_blank(source.name),
        "label": text_of(document.get("label"), language, source.name),
        "description": text_of(document.get("description"), language),
        "installed": installed,
        "available": source.version,
        "upgrade": installed is not None and parse_version(installed) < parse_version(source.version),
        "requires": [r["name"] for r in document.get("requires", ())],
        "missing": needed,
        "permissions": list(document.get("permissions", ())),
        "languages": languages_of(content),
        "objects": [text_of(d.get("label"), language, n) for n, d in content.of_kind("object").items()],
        "changes": [
            {"version": c["version"], "text": text_of(c["text"], language)} for c in document.get("changes", ())
        ],
        "screenshots": [
            {"file": s["file"], "label": text_of(s["label"], language)} for s in document.get("screenshots", ())
        ],
        "options": [
            {**o, "label": text_of(o.get("label"), language, o["name"]), "help": text_of(o.get("help"), language)}
            for o in document.get("options", ())
        ],
        "slices": [
            {
                "name": s["name"],
                "label": text_of(s.get("label"), language, s["name"]),
                "default": s.get("default", True),
            }
            for s in document.get("slices", ())
        ],
        "cases": len(source.cases),
        "signed_by": source.signer,
    }


def _gone(document: Any, language: str) -> dict[str, Any]:
    """Return the entry of an installed pack that is no longer on the shelf."""
    name = document["name"]
    return {
        **_blank(name),
        "label": text_of(document.get("label"), language, name),
        "description": text_of(document.get("description"), language),
        "installed": document["version"],
    }


def _blank(name: str) -> dict[str, Any]:
    lists = (
        "requires",
        "missing",
        "permissions",
        "languages",
        "objects",
        "changes",
        "screenshots",
        "options",
        "slices",
    )
    return {
        "name": name,
        "label": name,
        "description": "",
        "installed": None,
        "available": None,
        "upgrade": False,
        "cases": 0,
        "signed_by": "",
        "problem": "",
        **{key: [] for key in lists},
    }
