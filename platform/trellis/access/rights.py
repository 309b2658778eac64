"""What a principal may do with an object and its fields: the sum of permission sets, the object's default, the token's scopes.

Administrators may do everything. For everybody else a right must be granted by a permission set, and the record must be
reached (``trellis.access.predicate``). Users are changed by administrators only. What cannot be decided is denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trellis.access.grants import EDIT, MASKED, NONE, READ, ObjectGrant
from trellis.access.principal import Principal
from trellis_metadata.errors import TrellisError

ALL, SOME = "all", "some"
NOBODY = "none"


class AccessDenied(TrellisError):
    """The principal may not do this."""

    code = "access_denied"


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """Rights on one object. ``read`` and ``edit`` say of which records: ``none``, ``some`` or ``all``.

    ``delete`` goes with the records that may be edited. ``actions`` are the rights that concern no single record.
    """

    create: bool
    read: str
    edit: str
    delete: bool
    actions: frozenset[str]
    grant: ObjectGrant | None
    """None: all fields and record types."""

    def may(self, action: str) -> bool:
        """Whether ``import``, ``export``, ``mass_update``, ``transfer`` or ``share`` is granted."""
        return self.grant is None or action in self.actions

    def field_level(self, name: str) -> int:
        """Return the access to a field (``grants.NONE`` … ``grants.EDIT``). Fields of the system are at least read."""
        if self.grant is None:
            return EDIT
        if name in SYSTEM_FIELDS:
            return max(READ, self.grant.level(name) if name in self.grant.fields else EDIT)
        return self.grant.level(name)

    def may_read_field(self, name: str) -> bool:
        """Whether the field is seen at all, if only masked."""
        return self.field_level(name) > NONE

    def may_edit_field(self, name: str) -> bool:
        """Whether the field may be written."""
        return self.field_level(name) == EDIT

    def masks(self, name: str) -> bool:
        """Whether the field is seen only masked."""
        return self.field_level(name) == MASKED

    @property
    def limits_fields(self) -> bool:
        """Whether some field is not fully granted."""
        return self.grant is not None and (
            self.grant.default_field < EDIT or any(v < EDIT for v in self.grant.fields.values())
        )

    @property
    def hides_fields(self) -> bool:
        """Whether some field is hidden or masked."""
        return self.grant is not None and (
            self.grant.default_field < READ or any(v < READ for v in self.grant.fields.values())
        )

    def may_set_record_type(self, name: str | None) -> bool:
        """Whether records may get this record type."""
        return self.grant is None or self.grant.record_types is None or name in self.grant.record_types


SYSTEM_FIELDS = frozenset(
    {"id", "owner", "record_type", "created_at", "created_by", "modified_at", "modified_by", "version", "deleted_at"}
)
"""Who may read a record sees these fields of it."""
_ACTIONS = frozenset({"import", "export", "mass_update", "transfer", "share"})
_FULL = ObjectRights(True, ALL, ALL, True, _ACTIONS, None)
_NONE = ObjectRights(False, NOBODY, NOBODY, False, frozenset(), ObjectGrant())


def rights(principal: Principal, object_doc: Mapping[str, Any]) -> ObjectRights:
    """Return what ``principal`` may do with records of an object."""
    if principal.admin:
        return _FULL if principal.scopes is None else _scoped(_FULL, principal.may("read"), principal.may("write"))
    if principal.user is None or principal.kind not in ("person", "token", "script", "portal"):
        return _NONE
    grants, name = principal.grants, object_doc["name"]
    if principal.kind == "portal":
        return _outside(object_doc, grants.on(name), principal.may("read"))
    found = _judge(
        name, grants.on(name), object_doc.get("sharing", {}).get("default", "private"), name in grants.restricted
    )
    return found if principal.scopes is None else _scoped(found, principal.may("read"), principal.may("write"))


def _outside(object_doc: Mapping[str, Any], grant: ObjectGrant, scope: bool) -> ObjectRights:
    """Judge for somebody outside: he reads what is shared with the portal, whatever the object's default, and nothing else."""
    shared = (
        "read" in grant.rights and bool(object_doc.get("sharing", {}).get("portal")) and object_doc["name"] != "user"
    )
    controlled = "read" in grant.rights and object_doc.get("sharing", {}).get("default") == "controlled_by_parent"
    return ObjectRights(False, SOME if (shared or controlled) and scope else NOBODY, NOBODY, False, frozenset(), grant)


def _judge(name: str, grant: ObjectGrant, default: str, restricted: bool) -> ObjectRights:
    """Combine what is granted with the object's default."""
    has = grant.rights
    if "read" not in has:
        return ObjectRights("create" in has and name != "user", NOBODY, NOBODY, False, has & _ACTIONS, grant)
    if name == "user":
        # Everybody who works here may know whom records belong to; accounts are the administrators' business.
        return ObjectRights(False, SOME if restricted else ALL, NOBODY, False, has & {"export"}, grant)
    read = ALL if default in ("read", "edit") or "view_all" in has or "edit_all" in has else SOME
    edit = NOBODY if "edit" not in has else ALL if default == "edit" or "edit_all" in has else SOME
    if restricted:
        read, edit = SOME, NOBODY if edit == NOBODY else SOME
    return ObjectRights("create" in has, read, edit, "delete" in has and edit != NOBODY, has & _ACTIONS, grant)


@lru_cache(maxsize=4)
def _full_scoped(read: bool, write: bool) -> ObjectRights:
    return ObjectRights(
        write,
        ALL if read else NOBODY,
        ALL if write else NOBODY,
        write,
        _ACTIONS if write and read else frozenset(),
        None,
    )


def _scoped(found: ObjectRights, read: bool, write: bool) -> ObjectRights:
    if found.grant is None:
        return _full_scoped(read, write)
    actions = found.actions & (frozenset({"export"}) if read else frozenset()) | (
        found.actions - {"export"} if write else frozenset()
    )
    return ObjectRights(
        found.create and write,
        found.read if read else NOBODY,
        found.edit if write else NOBODY,
        found.delete and write,
        actions,
        found.grant,
    )
