"""What a principal may do with the records of an object.

The definition that both readings share: administrators may do everything; for everybody else the object's
``sharing.default`` decides about records that they do not own (``private``: nothing, ``read``: see, ``edit``: see and
change). Everyone may create, and do everything with what they own. The object ``user`` is changed by administrators only.
Anything that cannot be decided is denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trellis.access.principal import Principal
from trellis_metadata.errors import TrellisError


class AccessDenied(TrellisError):
    """The principal may not do this."""

    code = "access_denied"


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """Rights on one object. ``read`` and ``edit`` say which records: ``none``, ``own`` or ``all``."""

    create: bool
    read: str
    edit: str

    def may_read(self, owner: int | None, user: int | None) -> bool:
        """Decide for one record by its owner."""
        return self.read == "all" or (self.read == "own" and owner is not None and owner == user)

    def may_edit(self, owner: int | None, user: int | None) -> bool:
        """Decide for one record by its owner."""
        return self.edit == "all" or (self.edit == "own" and owner is not None and owner == user)


_NONE = ObjectRights(False, "none", "none")
_ALL = ObjectRights(True, "all", "all")
_BY_SHARING = {
    "private": ObjectRights(True, "own", "own"),
    "read": ObjectRights(True, "all", "own"),
    "edit": ObjectRights(True, "all", "all"),
}
_READ_ONLY = ObjectRights(False, "all", "none")


def rights(principal: Principal, object_doc: Mapping[str, Any]) -> ObjectRights:
    """Return what ``principal`` may do with records of an object."""
    if principal.admin:
        found = _ALL
    elif principal.user is None or principal.kind not in ("person", "token", "script"):
        found = _NONE
    elif object_doc["name"] == "user":
        found = _READ_ONLY
    else:
        found = _BY_SHARING.get(object_doc.get("sharing", {}).get("default", "private"), _NONE)
    if principal.scopes is None:
        return found
    return ObjectRights(
        found.create and principal.may("write"),
        found.read if principal.may("read") else "none",
        found.edit if principal.may("write") else "none",
    )
