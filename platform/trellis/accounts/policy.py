"""The tenant's rules for accounts: the setting ``security``. What is not set is as here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from trellis.audit import note_for
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

if TYPE_CHECKING:
    from trellis.access import Principal
    from trellis.tenant import Tenant

SETTING = "security"
_RANGES = {
    "password_min_length": (8, 64),
    "session_idle_minutes": (5, 7 * 24 * 60),
    "session_days": (1, 90),
    "link_hours": (1, 72),
    "token_days": (1, 3650),
}
"""Lowest and highest value of the numbers."""
REQUIRED_OF = ("nobody", "administrators", "everybody")


class BadSecuritySetting(TrellisError):
    """A security setting does not exist or has a value that it cannot have. ``problems`` names each."""

    code = "bad_security_setting"


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """``second_factor`` says of whom it is required, besides those with one of ``second_factor_sets``.

    ``token_days`` is the longest life of a new API token (None: no limit). ``acting`` lets administrators log in as others.
    """

    password_min_length: int = 10
    session_idle_minutes: int = 12 * 60
    session_days: int = 14
    link_hours: int = 24
    token_days: int | None = None
    second_factor: str = "nobody"
    second_factor_sets: tuple[str, ...] = ()
    acting: bool = True

    @property
    def idle(self) -> timedelta:
        """After this time without a request a session ends."""
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def life(self) -> timedelta:
        """After this time a session ends."""
        return timedelta(days=self.session_days)

    def requires_second_factor(self, principal: Principal) -> bool:
        """Whether somebody must have a second factor."""
        if self.second_factor == "everybody" or (self.second_factor == "administrators" and principal.admin):
            return True
        return bool(set(self.second_factor_sets) & set(principal.grants.key))

    def to_json(self) -> dict[str, Any]:
        """Return all settings for programs."""
        return {**asdict(self), "second_factor_sets": list(self.second_factor_sets)}


def policy_of(tenant: Tenant) -> SecurityPolicy:
    """Return the tenant's rules."""
    stored = tenant.settings.get(SETTING) or {}
    return SecurityPolicy(**{**stored, "second_factor_sets": tuple(stored.get("second_factor_sets", ()))})


def change_policy(tenant: Tenant, by: Principal, changes: Mapping[str, Any]) -> SecurityPolicy:
    """Change some of the rules; every process follows at its next transaction. Raises :class:`BadSecuritySetting`."""
    problems = [p for name, value in changes.items() if (p := _problem(tenant, name, value))]
    if problems:
        raise BadSecuritySetting(" ".join(problems), problems=problems)
    kept = {**(tenant.settings.get(SETTING) or {}), **changes}
    tenant.change_settings(**{SETTING: kept})
    with tenant.database.writing() as connection:
        tenant.state_in(connection)
        note_for(tenant, connection, "security_changed", by, settings=dict(changes))
    return policy_of(tenant)


def _problem(tenant: Tenant, name: str, value: Any) -> str | None:
    known = [f.name for f in fields(SecurityPolicy)]
    if name not in known:
        return f"'{name[:40]}' is not a security setting.{did_you_mean(name[:40], known)}"
    if name in _RANGES:
        low, high = _RANGES[name]
        if value is None and name == "token_days":
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            return f"'{name}' is a whole number from {low} to {high}, not {value!r}."
    if name == "acting" and not isinstance(value, bool):
        return f"'acting' is true or false, not {value!r}."
    if name == "second_factor" and value not in REQUIRED_OF:
        return f"'second_factor' is one of {', '.join(REQUIRED_OF)}, not {value!r}."
    if name == "second_factor_sets":
        sets = tenant.model().snapshot.of_kind("permission_set")
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            return f"'second_factor_sets' is a list of permission sets, not {value!r}."
        missing = [v for v in value if v not in sets]
        if missing:
            return f"There is no permission set '{missing[0][:60]}'.{did_you_mean(missing[0][:60], sets)}"
    return None
