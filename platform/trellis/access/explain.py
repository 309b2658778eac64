"""Why somebody may or may not do something with a record: every way that leads there, and what would change the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from trellis.access.arms import arms_for
from trellis.access.arms.base import EDIT, READ, Path, Why
from trellis.access.decide import may
from trellis.access.grants import compile_grants
from trellis.access.principal import Principal
from trellis.access.rights import NOBODY, rights
from trellis.model import Model, ObjectModel
from trellis.transaction.statements import statements_of

ACTIONS = ("read", "edit", "delete", "transfer", "share")
Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one person, record and action.

    ``paths`` are independent: each of them alone suffices. ``reasons`` say why not (empty when allowed). ``grant`` are
    changes of which each alone would allow it; ``revoke`` the changes that together would end it.
    """

    allowed: bool
    action: str
    paths: Sequence[Path] = ()
    reasons: Sequence[Mapping[str, str]] = ()
    grant: Sequence[Change] = ()
    revoke: Sequence[Change] = ()
    right: Sequence[str] = field(default=())
    """The permission sets that grant the right on the object."""

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the explanation for people and programs."""
        return {
            "allowed": self.allowed,
            "action": self.action,
            "permission_sets": list(self.right),
            "paths": [p.to_json(language) for p in self.paths],
            "reasons": [r.get(language, r["en"]) for r in self.reasons],
            "grant": [dict(c) for c in self.grant],
            "revoke": [dict(c) for c in self.revoke],
        }


def explain_access(
    connection: Connection, model: Model, principal: Principal, root: ObjectModel, record: int, action: str = "read"
) -> Explanation:
    """Explain what ``principal`` may do with a stored record. The answer is that of :func:`decide.may`."""
    level = READ if action == "read" else EDIT
    lacking = _lacking(principal, root, action)
    granted = _granting(model, principal, root, action)
    restrictions = _restrictions(connection, model, principal, root, record, level)
    paths = paths_to(connection, model, principal, root, record, level)
    allowed = not lacking and may(connection, principal, model, root, record, "read" if level == READ else "edit")
    if allowed:
        changes = _unique([p.revoke for p in paths])
        return Explanation(True, action, paths, (), (), changes, granted)
    reasons: list[Mapping[str, str]] = [_no_right(right, root) for right in lacking]
    reasons += [p.text for p in restrictions]
    if not paths and not restrictions:
        reasons.append(_unreached(root))
    return Explanation(
        False,
        action,
        paths,
        reasons,
        _ways_in(model, principal, root, record, level, lacking, restrictions, paths),
        (),
        granted,
    )


def paths_to(
    connection: Connection, model: Model, principal: Principal, root: ObjectModel, record: int, level: int
) -> list[Path]:
    """Return every way on which a record is reached; none where a restriction takes it away or the object is not granted."""
    values = statements_of(root).fetch(connection, [record]).get(record)
    allowed = rights(principal, root.doc)
    if values is None or (allowed.edit if level >= EDIT else allowed.read) == NOBODY:
        return []
    why = Why(connection, principal, model, root, values, level)
    if any(True for a in arms_for(principal) if a.subtracts and not principal.admin for _ in a.paths(why)):
        return []
    found = [p for a in arms_for(principal) if not a.subtracts for p in a.paths(why)]
    return found[:1] if principal.admin else found


def _restrictions(
    connection: Connection, model: Model, principal: Principal, root: ObjectModel, record: int, level: int
) -> list[Path]:
    values = statements_of(root).fetch(connection, [record]).get(record)
    if values is None or principal.admin:
        return []
    why = Why(connection, principal, model, root, values, level)
    return [p for a in arms_for(principal) if a.subtracts for p in a.paths(why)]


def _lacking(principal: Principal, root: ObjectModel, action: str) -> list[str]:
    """Return the rights on the object that are missing for an action."""
    allowed = rights(principal, root.doc)
    missing = ["read"] if allowed.read == NOBODY else []
    if action != "read" and allowed.edit == NOBODY:
        missing.append("edit")
    if action == "delete" and not allowed.delete:
        missing.append("delete")
    if action in ("transfer", "share") and not allowed.may(action):
        missing.append(action)
    return missing


def _granting(model: Model, principal: Principal, root: ObjectModel, action: str) -> list[str]:
    if principal.admin:
        return []
    found = []
    for name in principal.grants.key:
        document = model.snapshot.get("permission_set", name) or {}
        entry: Mapping[str, Any] = next((e for e in document.get("objects", ()) if e["name"] == root.name), {})
        if action in document.get("every_object", ()) or action in entry.get("rights", ()):
            found.append(name)
    return found


def _no_right(right: str, root: ObjectModel) -> Mapping[str, str]:
    return {
        "en": f"no permission set of this person grants '{right}' on {root.plural('en')}",
        "zh": f"该用户的权限集均未授予对{root.label('zh')}的“{right}”权限",
    }


def _unreached(root: ObjectModel) -> Mapping[str, str]:
    default = root.doc.get("sharing", {}).get("default", "private")
    if default == "controlled_by_parent":
        return {"en": "the record that it belongs to is not accessible", "zh": "其所属的上级记录不可访问"}
    return {
        "en": f"records of {root.plural('en')} are {default}, and neither ownership, the role tree, a rule, a share nor a team reaches this one",
        "zh": f"{root.label('zh')}的默认共享为“{default}”，且没有任何负责人、角色、规则、共享或团队关系使其可访问",
    }


def _ways_in(
    model: Model,
    principal: Principal,
    root: ObjectModel,
    record: int,
    level: int,
    lacking: Sequence[str],
    restrictions: Sequence[Path],
    paths: Sequence[Path],
) -> list[Change]:
    """Return the changes that would allow it. Several missing things need all of ``together``."""
    together: list[Change] = []
    if lacking:
        sets = [
            name
            for name in model.snapshot.of_kind("permission_set")
            if set(lacking) <= compile_grants(model.snapshot, [name]).on(root.name).rights
        ]
        together.append({"change": "permission_set", "user": principal.user, "rights": list(lacking), "any_of": sets})
    together += [p.revoke for p in restrictions]
    if not restrictions and not paths:
        sharing = root.doc.get("sharing", {})
        word = "edit" if level >= EDIT else "read"
        if sharing.get("default") == "controlled_by_parent":
            together.append({"change": "parent", "field": sharing["parent"], "level": word})
        elif not lacking or not _opened(root, level):
            together.append({"change": "add_share", "record": record, "user": principal.user, "level": word})
    return together


def _opened(root: ObjectModel, level: int) -> bool:
    default = root.doc.get("sharing", {}).get("default", "private")
    return default == "edit" or (default == "read" and level < EDIT)


def _unique(changes: Sequence[Change]) -> list[Change]:
    found: list[Change] = []
    for change in changes:
        if change and change not in found:
            found.append(change)
    return found
