"""What needs no condition: administrators, the object's default, and the rights to view or edit all records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from trellis.access.arms.base import EDIT, Arm, Ask, Path, Why


class EverybodyArm(Arm):
    """The arm."""

    name, order = "everybody", 0

    def condition(self, ask: Ask) -> sa.ColumnElement[bool] | None:
        granted = ask.principal.grants.on(ask.object.name).rights
        default = ask.object.doc.get("sharing", {}).get("default", "private")
        opened = default == "edit" or (ask.level < EDIT and default == "read") or ask.object.name == "user"
        viewed = "edit_all" in granted or (ask.level < EDIT and "view_all" in granted)
        return sa.true() if ask.principal.admin or opened or viewed else None

    def paths(self, why: Why) -> Iterator[Path]:
        if why.principal.admin:
            yield Path(
                "administrator",
                EDIT,
                {"en": "is an administrator", "zh": "是管理员"},
                {},
                {"change": "administrator", "user": why.user},
            )
            return
        default = why.object.doc.get("sharing", {}).get("default", "private")
        opened = {"edit": EDIT, "read": 1}.get(default, 1 if why.object.name == "user" else 0)
        if opened >= why.level:
            yield Path(
                "default",
                opened,
                {
                    "en": f"everybody may {default if opened else 'read'} records of this object",
                    "zh": "该对象对所有人开放",
                },
                {"default": default},
                {"change": "sharing_default", "object": why.object.name},
            )
        granted = why.principal.grants.on(why.object.name).rights
        for right, level in (("view_all", 1), ("edit_all", EDIT)):
            if right in granted and level >= why.level:
                sets = granting(why, right)
                yield Path(
                    right,
                    level,
                    {"en": f"has '{right}' by {', '.join(sets)}", "zh": f"权限集 {', '.join(sets)} 授予“{right}”"},
                    {"permission_sets": sets},
                    {"change": "right", "right": right, "object": why.object.name, "permission_sets": sets},
                )


def granting(why: Why, right: str) -> list[str]:
    """Return the person's permission sets that grant a right on the object."""
    documents = why.model.snapshot.of_kind("permission_set")
    found = []
    for name in why.principal.grants.key:
        document = documents.get(name, {})
        entry: Mapping[str, Any] = next((e for e in document.get("objects", ()) if e["name"] == why.object.name), {})
        if right in document.get("every_object", ()) or right in entry.get("rights", ()):
            found.append(name)
    return found


ARM = EverybodyArm()
