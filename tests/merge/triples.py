"""Random triples of metadata: a version, what a vendor made of it, and what a customer made of it.

Both change the same small pack by random steps, so that they often touch the same things. A seed gives the same triple.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from trellis.fields import field_types
from trellis.rules.checking import check_formula
from trellis_metadata.language import Language
from trellis_metadata.merge import prune
from trellis_metadata.snapshot import Snapshot

Json = dict[str, Any]
LANGUAGE = Language(field_types(), system={"user": {"name": "text"}}, formula_checker=check_formula)


def base_pack() -> Snapshot:
    """Return the version that both begin from."""
    stage = [{"name": n, "label": {"en": n.title(), "zh": n}} for n in ("new", "open", "won", "lost")]
    student: Json = {
        "kind": "object",
        "name": "student",
        "label": {"en": "Student", "zh": "学生"},
        "fields": [
            {"name": "name", "type": "text", "required": True, "max_length": 80},
            {"name": "grade", "type": "integer", "min": 1},
            {"name": "stage", "type": "picklist", "options": stage},
            {"name": "source", "type": "picklist", "picklist": "channel"},
            {"name": "school", "type": "lookup", "target": "school", "relationship": "students"},
            {"name": "note", "type": "long_text"},
            {"name": "fee", "type": "number", "scale": 2},
        ],
        "validation": [
            {"name": "grade_known", "when": "ISBLANK(grade)", "message": {"en": "Grade?", "zh": "年级？"}},
            {"name": "fee_small", "when": "fee > 1000", "message": "Too much", "at": "fee"},
        ],
        "sharing": {"default": "read"},
        "features": {"search": ["name", "note"]},
    }
    school: Json = {
        "kind": "object",
        "name": "school",
        "label": "School",
        "fields": [{"name": "name", "type": "text", "required": True}, {"name": "city", "type": "text"}],
    }
    layout: Json = {
        "kind": "layout",
        "name": "student_page",
        "object": "student",
        "sections": [
            {"name": "main", "columns": 2, "cells": [["name", "grade"], ["stage", None]]},
            {"name": "more", "columns": 2, "cells": [["school", "source"], ["note"]]},
        ],
        "highlights": ["stage", "grade"],
    }
    view: Json = {
        "kind": "list_view",
        "name": "students",
        "object": "student",
        "columns": ["name", "grade", "stage", "school.city"],
        "filter": {"field": "grade", "op": ">", "value": 2},
        "sort": [{"field": "name"}, {"field": "grade", "direction": "desc"}],
    }
    channel: Json = {
        "kind": "picklist",
        "name": "channel",
        "options": [{"name": n} for n in ("web", "event", "friend")],
    }
    app: Json = {
        "kind": "app",
        "name": "tutoring",
        "items": [{"object": "student"}, {"object": "school"}, {"list_view": "students"}],
    }
    snapshot, found = LANGUAGE.check([student, school, layout, view, channel, app])
    assert snapshot is not None, found
    return snapshot


class Editor:
    """Changes a snapshot by random steps. ``prefix`` begins the names of what it adds."""

    def __init__(self, snapshot: Snapshot, rng: random.Random, prefix: str) -> None:
        self.documents = {k: _copy(d) for k, d in snapshot.documents.items()}
        self.rng, self.prefix, self.count = rng, prefix, 0

    def step(self) -> None:
        """Change something."""
        self.rng.choice(STEPS)(self)

    def one(self, kind: str) -> Json:
        """Return any document of a kind."""
        found = [d for (k, _), d in sorted(self.documents.items()) if k == kind]
        return self.rng.choice(found) if found else {}

    def fresh(self) -> str:
        """Return a new name; now and then one that the other side may choose too."""
        self.count += 1
        return "both" if self.rng.random() < 0.05 else f"{self.prefix}{self.count}"

    def snapshot(self) -> Snapshot:
        """Return what came of it, without what lost its meaning."""
        return prune(LANGUAGE, Snapshot(self.documents))[0]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return [_copy(v) for v in value] if isinstance(value, list) else value


def _any(e: Editor, listed: list[Any] | None) -> Any:
    return e.rng.choice(listed) if listed else {}


def relabel(e: Editor) -> None:
    target = e.one(e.rng.choice(("object", "picklist", "list_view", "app")))
    parts = [target, *target.get("fields", ()), *target.get("options", ())]
    part = e.rng.choice(parts)
    if part:
        part["label"] = {"en": f"L{e.rng.randrange(3)}{e.prefix[0]}", "zh": e.rng.choice("甲乙")}


def add_field(e: Editor) -> None:
    fields = e.one("object").get("fields")
    if fields:
        name = e.fresh()
        if all(f["name"] != name for f in fields):
            fields.insert(e.rng.randrange(len(fields) + 1), {"name": name, "type": e.rng.choice(("text", "integer"))})


def remove_field(e: Editor) -> None:
    fields = e.one("object").get("fields", [])
    if len(fields) > 2:
        fields.pop(e.rng.randrange(1, len(fields)))


def change_field(e: Editor) -> None:
    field = _any(e, e.one("object").get("fields"))
    if field:
        key, value = e.rng.choice((("required", True), ("help", {"en": f"h{e.rng.randrange(3)}"}), ("indexed", True)))
        if not (key == "indexed" and field["type"] == "long_text"):
            field[key] = value


def reorder(e: Editor) -> None:
    target = e.one(e.rng.choice(("object", "picklist", "layout")))
    key = next((k for k in ("fields", "options", "sections") if k in target), None)
    if key:
        e.rng.shuffle(target[key])


def options(e: Editor) -> None:
    listed = e.one("picklist").get("options")
    if not listed:
        return
    if e.rng.random() < 0.6:
        name = e.fresh()
        if all(o["name"] != name for o in listed):
            listed.append({"name": name, "label": e.rng.choice(("A", "B"))})
    elif len(listed) > 1:
        listed.pop(e.rng.randrange(len(listed)))


def rules(e: Editor) -> None:
    target = e.one("object")
    listed = target.setdefault("validation", []) if target else []
    if listed and e.rng.random() < 0.5:
        _any(e, listed)["when"] = f"LEN(name) > {e.rng.randrange(5)}"
    elif target:
        name = e.fresh()
        if all(r["name"] != name for r in listed):
            listed.append({"name": name, "when": "LEN(name) = 3", "message": "no"})


def sharing(e: Editor) -> None:
    target = e.one("object")
    if target:
        target["sharing"] = {"default": e.rng.choice(("private", "read", "edit"))}


def cells(e: Editor) -> None:
    sections = e.one("layout").get("sections", [])
    rows = [(s, r) for s in sections for r in s["cells"] if any(r)]
    if not rows:
        return
    section, row = e.rng.choice(rows)
    cell = e.rng.choice([c for c in row if c])
    choice = e.rng.random()
    if choice < 0.35:
        section["cells"].remove(row)
    elif choice < 0.75 and len(row) == 1:
        section["cells"].remove(row)
        e.rng.choice(sections)["cells"].insert(0, [cell])
    elif all("fee" not in r for s in sections for r in s["cells"]):
        section["cells"].append(["fee"])


def sections(e: Editor) -> None:
    listed = e.one("layout").get("sections", [])
    if e.rng.random() < 0.6:
        name = e.fresh()
        if listed and all(s["name"] != name for s in listed):
            listed.append({"name": name, "cells": [["created_at"]] if not _stands(listed, "created_at") else []})
    elif len(listed) > 1:
        listed.pop(e.rng.randrange(len(listed)))


def _stands(sections: list[Json], cell: str) -> bool:
    return any(cell in row for s in sections for row in s["cells"])


def columns(e: Editor) -> None:
    view = e.one("list_view")
    listed = view.get("columns", [])
    if view and e.rng.random() < 0.5:
        new = e.rng.choice(["created_at", "owner.name", "source", "note"])
        if new not in listed:
            listed.insert(e.rng.randrange(len(listed) + 1), new)
    elif len(listed) > 1:
        listed.pop(e.rng.randrange(len(listed)))


def conditions(e: Editor) -> None:
    view = e.one("list_view")
    if view and e.rng.random() < 0.5:
        view["filter"] = {"field": "created_at", "op": e.rng.choice(("is_blank", "is_not_blank"))}
    elif view:
        view["sort"] = [{"field": f} for f in e.rng.sample(["created_at", "name", "grade"], 2)]


def search(e: Editor) -> None:
    target = e.one("object")
    if target:
        target.setdefault("features", {})["search"] = e.rng.choice((["name"], ["name", "city"], []))


def documents(e: Editor) -> None:
    if e.rng.random() < 0.6:
        name = e.fresh()
        e.documents.setdefault(
            ("list_view", name), {"kind": "list_view", "name": name, "object": "student", "columns": ["name"]}
        )
    else:
        kind = e.rng.choice(("list_view", "app", "layout"))
        target = e.one(kind)
        if target:
            del e.documents[kind, target["name"]]


STEPS: tuple[Callable[[Editor], None], ...] = (
    relabel,
    relabel,
    add_field,
    add_field,
    remove_field,
    change_field,
    change_field,
    reorder,
    options,
    rules,
    sharing,
    cells,
    cells,
    sections,
    columns,
    conditions,
    search,
    documents,
)


def edited(snapshot: Snapshot, rng: random.Random, prefix: str, most: int = 8) -> Snapshot:
    """Return a snapshot after up to ``most`` random changes."""
    editor = Editor(snapshot, rng, prefix)
    for _ in range(rng.randrange(most + 1)):
        editor.step()
    return editor.snapshot()


def triple(seed: int) -> tuple[Snapshot, Snapshot, Snapshot]:
    """Return base, theirs and ours."""
    rng = random.Random(seed)
    base = edited(base_pack(), rng, "b", 3)
    return base, edited(base, rng, "v"), edited(base, rng, "x_")
