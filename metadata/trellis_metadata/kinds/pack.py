"""Packs: what an industry pack is called, which version it is and what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind
from trellis_metadata.labels import Label
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language


@dataclass(frozen=True, slots=True)
class PackDef:
    """A pack. ``requires`` maps the name of a pack to the accepted versions (None: any)."""

    name: str
    label: Label
    version: str
    prefix: str | None
    requires: Mapping[str, str | None]
    permissions: tuple[str, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the pack was read."""
        return dict(self.document)


class PackKind(Kind):
    """The kind ``pack``. Whether the required packs are there is asked at installation, not here."""

    name = "pack"
    folder = "packs"
    label = {"en": "pack", "zh": "行业包"}
    nouns = {
        "requires": ("required pack", "依赖包"),
        "conflicts": ("conflicting pack", "冲突的行业包"),
        "options": ("option", "选项"),
        "slices": ("part", "组成部分"),
    }

    def read(self, document: Document) -> PackDef:
        requires = {entry["name"]: entry.get("version") for entry in document.get("requires", ())}
        return PackDef(
            document["name"],
            document["label"],
            document["version"],
            document.get("prefix"),
            requires,
            tuple(document.get("permissions", ())),
            document,
        )

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        for key, verb in (("requires", "requires"), ("conflicts", "conflicts with")):
            for index, entry in enumerate(document.get(key, ())):
                if entry["name"] == document["name"]:
                    yield Diagnostic(
                        "requires_itself", f"/{key}/{index}/name", f"The pack {verb} itself.", "Remove the entry."
                    )
        for index, option in enumerate(document.get("options", ())):
            yield from _option(option, f"/options/{index}")


def _option(option: Document, pointer: str) -> Iterator[Diagnostic]:
    choosing = option["type"] in ("choice", "choices")
    if choosing != ("choices" in option):
        remedy = "Give 'choices' to the types choice and choices, and to no other."
        yield Diagnostic("bad_choices", pointer, f"The type is {option['type']}.", remedy)
        return
    if option["type"] != "integer" and ("min" in option or "max" in option):
        yield Diagnostic("bad_limit", pointer, f"A {option['type']} has no limits.", "Remove 'min' and 'max'.")
    if not _fits(option, option["default"]):
        yield Diagnostic(
            "bad_default", f"{pointer}/default", f"The default is no {option['type']} that is allowed.", "Change it."
        )


def _fits(option: Document, value: Any) -> bool:
    choices = option.get("choices", ())
    match option["type"]:
        case "text":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            is_number = isinstance(value, int) and not isinstance(value, bool)
            return is_number and option.get("min", value) <= value <= option.get("max", value)
        case "choice":
            return value in choices
        case _:
            return isinstance(value, list) and all(v in choices for v in value)


KIND = PackKind()
