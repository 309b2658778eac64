"""Objects as far as a principal may know of them: one of which he may neither read nor create anything does not exist."""

from __future__ import annotations

from trellis.access.principal import Principal
from trellis.access.rights import NOBODY, rights
from trellis.model import Model, ObjectModel, Reference, UnknownObject


def may_know(principal: Principal, root: ObjectModel) -> bool:
    """Whether the principal may read or create records of the object."""
    allowed = rights(principal, root.doc)
    return allowed.create or allowed.read != NOBODY


def known_object(principal: Principal, model: Model, name: str) -> ObjectModel:
    """Return an object. Raises ``UnknownObject``, whose message helps only administrators with names that are close."""
    try:
        root = model.object(name)
    except UnknownObject:
        if principal.admin:
            raise
        raise _unknown(name) from None
    if not may_know(principal, root):
        raise _unknown(name)
    return root


def _unknown(name: str) -> UnknownObject:
    return UnknownObject(f"There is no object '{name[:80]}'.", name=name[:80])


def child_lists(principal: Principal, model: Model, name: str) -> dict[str, Reference]:
    """Return the child lists of an object by name, as far as the principal may know of their records and the reference."""
    found: dict[str, Reference] = {}
    for reference in model.referrers.get(name, ()):
        allowed = rights(principal, model.object(reference.source).doc)
        if reference.relationship and allowed.read != NOBODY and allowed.may_read_field(reference.field):
            found.setdefault(reference.relationship, reference)
    return found
