"""Logging in as somebody else: an administrator sees what the person sees, with a reason, under both names.

The session stays the administrator's. While it acts for somebody it has his rights and no others, no setup, and none of his
security settings; every change carries both names, and the audit tells when it began and ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis.access import AccessDenied
from trellis.accounts.origin import NOWHERE, Origin
from trellis.accounts.policy import policy_of
from trellis.accounts.principals import acting_principal, principal_of
from trellis.accounts.sessions import Session, demand_proof, find_session, renew
from trellis.audit import note
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.tenant import Tenant

MIN_REASON, MAX_REASON = 5, 500


class ReasonMissing(TrellisError):
    """Logging in as somebody else needs a reason that says something."""

    code = "reason_missing"


def begin_acting(tenant: Tenant, session: Session, user: int, reason: str, origin: Origin = NOWHERE) -> Session:
    """Let an administrator act as a person; return the session under a new key.

    Raises :class:`AccessDenied`, :class:`ReasonMissing`, ``ProofNeeded``. Administrators are not acted for.
    """
    demand_proof(tenant, session)
    given = " ".join(reason.split())
    if not MIN_REASON <= len(given) <= MAX_REASON:
        raise ReasonMissing(f"Say why, in {MIN_REASON} to {MAX_REASON} characters: it stands in the audit.")
    with tenant.database.writing() as connection:
        allowed = policy_of(tenant).acting
        found = acting_principal(tenant, connection, session.principal, user, allowed)
        if found is None:
            raise AccessDenied("You may not log in as this user: only administrators may, and only as active others.")
        note(
            tenant, connection, "acting_began",
            actor=session.user, address=origin.address, about=("user", user), reason=given,
        )  # fmt: skip
        renewed = renew(tenant, connection, session, acts_as=user, reason=given)
    return _again(tenant, renewed)


def end_acting(tenant: Tenant, session: Session, origin: Origin = NOWHERE) -> Session:
    """Become oneself again; return the session under a new key."""
    if session.principal.behind is None:
        return session
    with tenant.database.writing() as connection:
        assert principal_of(tenant, connection, session.user) is not None
        about = ("user", session.principal.user)
        note(tenant, connection, "acting_ended", actor=session.user, address=origin.address, about=about)
        renewed = renew(tenant, connection, session, acts_as=None, reason=None, proved_at=None)
    return _again(tenant, renewed)


def _again(tenant: Tenant, renewed: Session) -> Session:
    found = find_session(tenant, renewed.key)
    if found is None:
        raise AccessDenied("The session has ended.")
    return found
