"""Small packs for tests, written as folders: a base pack ``base`` and a pack ``school`` that adds to it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from trellis.packs.source import PackSource, read_pack
from trellis_metadata.kind import kinds

Json = dict[str, Any]


def label(en: str, zh: str) -> Json:
    return {"en": en, "zh": zh}


def write_pack(
    folder: Path,
    pack: Json,
    documents: list[Json],
    extends: dict[str, list[Json]] | None = None,
    **lists: list[Json],
) -> PackSource:
    """Write a pack's folder and read it. ``lists`` are ``cases`` and ``migrations``."""
    put(folder / "pack.json", {"kind": "pack", "version": "1.0.0", "label": label("Pack", "包"), **pack})
    for document in documents:
        put(folder / kinds()[document["kind"]].folder / f"{document['name']}.json", document)
    for owner, parts in (extends or {}).items():
        for part in parts:
            put(folder / "extends" / owner / kinds()[part["kind"]].folder / f"{part['name']}.json", part)
    for name, entries in lists.items():
        for index, entry in enumerate(entries):
            put(folder / name / f"{entry.get('name', entry.get('version', index))}.json", entry)
    return read_pack(folder)


def put(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


CLIENT: Json = {
    "kind": "object",
    "name": "client",
    "label": label("Client", "客户"),
    "fields": [
        {"name": "name", "type": "text", "required": True, "label": label("Name", "名称")},
        {
            "name": "stage",
            "type": "picklist",
            "label": label("Stage", "阶段"),
            "options": [
                {"name": "new", "label": label("New", "新建")},
                {"name": "won", "label": label("Won", "赢单")},
            ],
        },
        {"name": "city", "type": "text", "label": label("City", "城市")},
    ],
    "sharing": {"default": "edit"},
}
CLIENT_PAGE: Json = {
    "kind": "layout",
    "name": "client_page",
    "label": label("Client", "客户"),
    "object": "client",
    "sections": [{"name": "main", "label": label("Main", "主要"), "cells": [["name", "stage"], ["city"]]}],
}
CLIENTS: Json = {
    "kind": "list_view",
    "name": "clients",
    "label": label("Clients", "客户"),
    "object": "client",
    "columns": ["name", "stage"],
}
BASE_APP: Json = {"kind": "app", "name": "office", "label": label("Office", "办公"), "items": [{"object": "client"}]}
BASE = [CLIENT, CLIENT_PAGE, CLIENTS, BASE_APP]

STUDENT: Json = {
    "kind": "object",
    "name": "student",
    "label": label("Student", "学生"),
    "fields": [
        {"name": "name", "type": "text", "required": True, "label": label("Name", "姓名")},
        {
            "name": "parent",
            "type": "lookup",
            "target": "client",
            "label": label("Parent", "家长"),
            "relationship": "students",
        },
        {"name": "grade", "type": "integer", "min": 1, "label": label("Grade", "年级")},
        {"name": "hours", "type": "integer", "default": "{{option.pool_hours}}", "label": label("Hours", "课时")},
        {
            "name": "step",
            "type": "picklist",
            "label": label("Step", "步骤"),
            "options": [
                {"name": "lead", "label": label("Lead", "线索")},
                {"name": "trial", "label": label("Trial", "试听"), "$when": {"option": "steps", "includes": "trial"}},
                {"name": "paid", "label": label("Paid", "已付费")},
            ],
        },
    ],
    "validation": [
        {
            "name": "grade_small",
            "when": "grade > 12",
            "message": label("Grade 12 is the last.", "最高为 12 年级。"),
            "at": "grade",
        }
    ],
    "sharing": {"default": "edit"},
}
STUDENT_PAGE: Json = {
    "kind": "layout",
    "name": "student_page",
    "label": label("Student", "学生"),
    "object": "student",
    "sections": [
        {"name": "main", "label": label("Main", "主要"), "cells": [["name", "parent"], ["grade", "step"]]},
        {"name": "more", "label": label("More", "更多"), "cells": [["hours"]]},
    ],
}
STUDENTS: Json = {
    "kind": "list_view",
    "name": "students",
    "label": label("Students", "学生"),
    "object": "student",
    "columns": ["name", "grade", "step"],
}
LESSON: Json = {
    "kind": "object",
    "name": "lesson",
    "label": label("Lesson", "课程"),
    "fields": [
        {"name": "name", "type": "text", "label": label("Name", "名称")},
        {"name": "student", "type": "lookup", "target": "student", "label": label("Student", "学生")},
    ],
    "sharing": {"default": "edit"},
}
SCHOOL_PACK: Json = {
    "name": "school",
    "label": label("School", "学校"),
    "prefix": "edu",
    "requires": [{"name": "base", "version": "^1.0"}],
    "options": [
        {"name": "pool_hours", "type": "integer", "default": 24, "min": 1, "max": 72, "label": label("Hours", "小时")},
        {
            "name": "steps",
            "type": "choices",
            "choices": ["trial"],
            "default": ["trial"],
            "label": label("Steps", "步骤"),
        },
    ],
    "slices": [{"name": "lessons", "label": label("Lessons", "课程"), "documents": ["object/lesson"]}],
    "changes": [{"version": "1.0.0", "text": label("The first version.", "首个版本。")}],
}
EXTENDS: dict[str, list[Json]] = {
    "base": [
        {
            "kind": "object",
            "name": "client",
            "fields": [
                {"name": "edu_children", "type": "integer", "label": label("Children", "子女数")},
                {"name": "stage", "options": [{"name": "edu_trial", "label": label("Trial", "试听")}]},
            ],
            "validation": [
                {"name": "edu_few", "when": "edu_children > 20", "message": label("Too many.", "过多。")},
            ],
        },
        {"kind": "layout", "name": "client_page", "sections": [{"name": "main", "cells": [["edu_children"]]}]},
        {"kind": "list_view", "name": "clients", "columns": ["edu_children"]},
        {"kind": "app", "name": "office", "items": [{"object": "student"}]},
    ]
}
SCHOOL = [STUDENT, STUDENT_PAGE, STUDENTS, LESSON]


def base_pack(folder: Path, **changes: Any) -> PackSource:
    return write_pack(folder / "base", {"name": "base", "label": label("Base", "基础"), **changes}, copy.deepcopy(BASE))


def school_pack(folder: Path, version: str = "1.0.0", edit: Any = None, **lists: list[Json]) -> PackSource:
    """Write the pack ``school``; ``edit`` gets its documents and its parts of others by name, to change them."""
    documents, extends = copy.deepcopy(SCHOOL), copy.deepcopy(EXTENDS)
    pack = copy.deepcopy({**SCHOOL_PACK, "version": version})
    if edit is not None:
        edit({d["name"]: d for d in [*documents, *extends["base"]]}, pack)
    return write_pack(folder / f"school-{version}", pack, documents, extends, **lists)
