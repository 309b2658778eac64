"""Settings of plug-ins, per tenant: declared by the plug-in, made by an administrator on a page or with ``trellis settings``.

The values live in the tenant's settings under ``plugin.<group>``; what is secret in the secret store under ``<group>.<field>``,
where it is replaced and never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis import plugins
from trellis.secrets import drop_secret, put_secret, secret_names
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import Label

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TYPES = ("text", "number", "boolean", "choice", "lines", "secret")
MAX_TEXT = 4000
Problem = tuple[str, Label]
"""A field's name (empty: the whole group) and what is wrong with it."""


class UnknownSettings(TrellisError):
    """A group or field of settings that no plug-in declares, or a group that two declare."""

    code = "unknown_settings"


class BadSettings(TrellisError):
    """Settings that do not fit; ``details["problems"]`` lists field and message of each."""

    code = "bad_settings"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting. ``type``: ``text``, ``number`` (whole), ``boolean``, ``choice``, ``lines`` (a list of texts), ``secret``."""

    name: str
    label: Label
    type: str = "text"
    default: Any = None
    help: Label = ""
    choices: Sequence[tuple[str, Label]] = ()
    least: int = 0
    most: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SettingsGroup:
    """The settings of one thing. ``check`` returns what is wrong with values that fit their types.

    ``test`` tries them out for an administrator, who is told its answer: it gets the tenant and the administrator's mail
    address (None: he has none). ``changed`` is called when something was stored.
    """

    name: str
    label: Label
    description: Label
    fields: Sequence[SettingField]
    check: Callable[[Mapping[str, Any]], Sequence[Problem]] | None = None
    test: Callable[[Tenant, str | None], str] | None = None
    test_label: Label = ""
    icon: str = "settings"
    changed: Callable[[Tenant], None] | None = None


@cache
def settings_groups() -> dict[str, SettingsGroup]:
    """Return the groups of settings by name."""
    found: dict[str, SettingsGroup] = {}
    plugins.add_given(
        "trellis_settings", found, {}, lambda g: g.name, lambda told: UnknownSettings(f"The settings {told}")
    )
    return found


def group_of(name: str) -> SettingsGroup:
    """Return a group. Raises :class:`UnknownSettings`."""
    known = settings_groups()
    if name not in known:
        raise UnknownSettings(f"There are no settings '{name[:40]}'.{did_you_mean(name, known)}")
    return known[name]


def values_of(tenant: Tenant, name: str) -> dict[str, Any]:
    """Return the values of a group, defaults included, without its secrets."""
    stored = tenant.settings.get(f"plugin.{name}") or {}
    return {f.name: stored.get(f.name, f.default) for f in group_of(name).fields if f.type != "secret"}


def secrets_given(connection: Connection, name: str) -> set[str]:
    """Return which secrets of a group are there, by the names of their fields."""
    return {n.partition(".")[2] for n in secret_names(connection) if n.partition(".")[0] == name}


def change_settings(tenant: Tenant, name: str, changes: Mapping[str, Any]) -> None:
    """Store changed values. A secret that is None is forgotten. Raises :class:`BadSettings` and then stores nothing."""
    group, problems = group_of(name), list[Problem]()
    fields = {f.name: f for f in group.fields}
    plain: dict[str, Any] = {}
    for key, value in changes.items():
        if key not in fields:
            raise UnknownSettings(f"There is no setting '{key[:40]}' of '{name}'.{did_you_mean(key, fields)}")
        problem = None if value is None else _problem(fields[key], value)
        if problem is not None:
            problems.append((key, problem))
        elif fields[key].type != "secret":
            plain[key] = value
    merged = {**values_of(tenant, name), **plain}
    if not problems and group.check is not None:
        problems = list(group.check(merged))
    if problems:
        told = "; ".join(f"{n or name}: {t if isinstance(t, str) else t.get('en', '')}" for n, t in problems)
        raise BadSettings(f"These settings do not fit: {told}", problems=problems)
    for key in changes.keys() - plain.keys():
        if changes[key] is None:
            drop_secret(tenant, f"{name}.{key}")
        else:
            put_secret(tenant, f"{name}.{key}", str(changes[key]))
    kept = {k: v for k, v in merged.items() if v is not None and v != fields[k].default}
    tenant.change_settings(**{f"plugin.{name}": kept})
    with tenant.database.reading() as connection:
        tenant.model_in(connection)  # takes the new settings over in this process
    if group.changed is not None:
        group.changed(tenant)


def _problem(field: SettingField, value: Any) -> Label | None:
    if field.type == "number":
        if isinstance(value, bool) or not isinstance(value, int) or not field.least <= value <= field.most:
            return {
                "en": f"A whole number from {field.least} to {field.most} is expected.",
                "zh": f"应为 {field.least} 到 {field.most} 之间的整数。",
            }
    elif field.type == "boolean":
        if not isinstance(value, bool):
            return {"en": "True or false is expected.", "zh": "应为是或否。"}
    elif field.type == "choice":
        if value not in [c for c, _ in field.choices]:
            names = ", ".join(c for c, _ in field.choices)
            return {"en": f"One of {names} is expected.", "zh": f"应为以下之一：{names}。"}
    elif field.type == "lines":
        if not isinstance(value, list) or not all(isinstance(v, str) and len(v) <= MAX_TEXT for v in value):
            return {"en": "A list of texts is expected.", "zh": "应为文本列表。"}
    elif not isinstance(value, str) or len(value) > MAX_TEXT or any(ord(c) < 32 for c in value):
        return {
            "en": f"A text of at most {MAX_TEXT} characters is expected.",
            "zh": f"应为不超过 {MAX_TEXT} 个字符的文本。",
        }
    return None
