"""The template of a new pack: the smallest folder that passes every check, with one object, one view, one script and two cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trellis.packs.source import BadPack
from trellis_metadata.names import is_name


def new_pack(folder: Path, name: str, prefix: str) -> list[Path]:
    """Write a new pack to ``folder``, which must not exist or be empty; return the files. Raises :class:`BadPack`."""
    if not is_name(name) or not (is_name(prefix) and prefix.isalnum() and 2 <= len(prefix) <= 12):
        raise BadPack("A pack's name is snake_case; its prefix has 2 to 12 lower-case letters and digits.")
    if folder.exists() and any(folder.iterdir()):
        raise BadPack(f"'{folder}' is not empty.")
    item = f"{prefix}_item"
    documents: dict[str, Any] = {
        "pack.json": {
            "kind": "pack",
            "name": name,
            "label": _label(name.replace("_", " ").capitalize(), name),
            "version": "1.0.0",
            "prefix": prefix,
            "changes": [{"version": "1.0.0", "text": _label("The first version.", "首个版本。")}],
        },
        f"objects/{item}.json": {
            "kind": "object",
            "name": item,
            "label": _label("Item", "条目"),
            "plural": _label("Items", "条目"),
            "fields": [{"name": "name", "type": "text", "label": _label("Name", "名称"), "required": True}],
            "sharing": {"default": "edit"},
            "features": {"search": ["name"]},
        },
        f"list_views/all_{item}s.json": {
            "kind": "list_view",
            "name": f"all_{item}s",
            "label": _label("All items", "全部条目"),
            "object": item,
            "columns": ["name"],
        },
        f"scripts/{prefix}_tidy_name.json": {
            "kind": "script",
            "name": f"{prefix}_tidy_name",
            "label": _label("Tidy the name", "整理名称"),
            "pack": name,
            "object": item,
            "events": ["before_create", "before_update"],
            "source": "if record.name:\n    record.name = ' '.join(record.name.split())\n",
            "tests": [{"name": "spaces", "given": {"name": " a   b "}, "expect": {"name": "a b"}}],
        },
        "cases/name_is_tidied.json": {
            "name": "name_is_tidied",
            "story": _label("A name has no more spaces than it needs.", "名称中没有多余的空格。"),
            "people": [{"name": "ann", "admin": True}],
            "when": [{"as": "ann", "id": "it", "create": item, "values": {"name": "two  words"}}],
            "then": [{"record": "it", "values": {"name": "two words"}}],
        },
        "cases/item_needs_a_name.json": {
            "name": "item_needs_a_name",
            "story": _label("An item without a name is refused.", "没有名称的条目会被拒绝。"),
            "people": [{"name": "ann", "admin": True}],
            "when": [{"as": "ann", "create": item, "values": {}, "refused": {"name": "required"}}],
            "then": [{"find": item, "count": 0}],
        },
    }
    written = []
    for path, document in documents.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")
        written.append(file)
    return written


def _label(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}
