"""Identity providers of a tenant: set by the operator, with the client's secret in the secret store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trellis.access.principal import SYSTEM
from trellis.audit import note_for
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.names import is_name

if TYPE_CHECKING:
    from trellis.tenant import Tenant

SETTING = "sign_on"


class UnknownProvider(TrellisError):
    """There is no identity provider of that name."""

    code = "unknown_provider"


class BadProvider(TrellisError):
    """The settings of an identity provider do not fit. ``problems`` names each."""

    code = "bad_provider"


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider. ``secret`` names a secret of the store; ``address`` is where browsers reach this server.

    People of the mail domains in ``create_for`` who have no account get one with ``permission_sets``.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    secret: str
    address: str
    create_for: tuple[str, ...] = ()
    permission_sets: tuple[str, ...] = ("standard",)

    @property
    def redirect(self) -> str:
        """Where the provider sends browsers back to: from the settings, never from what a request says."""
        return f"{self.address.rstrip('/')}/login/with/{self.name}/back"

    def to_json(self) -> dict[str, Any]:
        """Return the settings for programs; the secret is a name."""
        return {**asdict(self), "create_for": list(self.create_for), "permission_sets": list(self.permission_sets)}


def providers(tenant: Tenant) -> list[Provider]:
    """Return the tenant's providers in the order of their names."""
    stored: Mapping[str, Any] = tenant.settings.get(SETTING) or {}
    return [
        Provider(**{**s, "create_for": tuple(s["create_for"]), "permission_sets": tuple(s["permission_sets"])})
        for _, s in sorted(stored.items())
    ]


def provider_of(tenant: Tenant, name: str) -> Provider:
    """Return one provider. Raises :class:`UnknownProvider`."""
    found = {p.name: p for p in providers(tenant)}
    if name not in found:
        raise UnknownProvider(f"There is no identity provider '{name[:40]}'.{did_you_mean(name[:40], found)}")
    return found[name]


def set_provider(tenant: Tenant, provider: Provider) -> None:
    """Add a provider, or replace the one of its name. Raises :class:`BadProvider`."""
    problems = list(_problems(tenant, provider))
    if problems:
        raise BadProvider(" ".join(problems), problems=problems)
    _store(tenant, {**(tenant.settings.get(SETTING) or {}), provider.name: provider.to_json()}, provider.name)


def remove_provider(tenant: Tenant, name: str) -> None:
    """Remove a provider. Raises :class:`UnknownProvider`."""
    provider_of(tenant, name)
    _store(tenant, {n: s for n, s in tenant.settings[SETTING].items() if n != name}, name)


def _store(tenant: Tenant, kept: Mapping[str, Any], name: str) -> None:
    tenant.change_settings(**{SETTING: dict(kept)})
    with tenant.database.writing() as connection:
        tenant.state_in(connection)
        note_for(tenant, connection, "security_changed", SYSTEM, provider=name)


def _problems(tenant: Tenant, p: Provider) -> list[str]:
    found = [] if is_name(p.name) else [f"'{p.name[:40]}' is not a name: lower-case letters, digits and single '_'."]
    for what, url in (("issuer", p.issuer), ("address", p.address)):
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if (
            not parts.hostname
            or parts.query
            or parts.fragment
            or not (parts.scheme == "https" or (local and parts.scheme == "http"))
        ):
            found.append(f"The {what} is an https address such as https://login.example.com, not '{url[:80]}'.")
    for what, text in (("label", p.label), ("client_id", p.client_id), ("secret", p.secret)):
        if not text.strip():
            found.append(f"The {what} is missing.")
    sets = tenant.model().snapshot.of_kind("permission_set")
    found += [f"There is no permission set '{n}'.{did_you_mean(n, sets)}" for n in p.permission_sets if n not in sets]
    found += [f"'{d[:60]}' is not a mail domain." for d in p.create_for if "." not in d or "@" in d or d != d.lower()]
    return found
