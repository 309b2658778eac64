"""``trellis settings``: the settings of plug-ins, per tenant."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from trellis import plugin_settings
from trellis.cli.state import State, pass_state
from trellis.plugin_settings import SettingField
from trellis_metadata.labels import text_of


@click.group("settings")
def command() -> None:
    """Settings of mail, chat, file stores and other plug-ins."""


@command.command("show")
@click.argument("group", required=False)
@pass_state
def show_settings(state: State, group: str | None) -> None:
    """Show the settings of GROUP, or of all groups. Secrets are only said to be there or not."""
    names = sorted(plugin_settings.settings_groups()) if group is None else [plugin_settings.group_of(group).name]
    with state.tenant.database.reading() as connection:
        found = {name: _values(state, name, plugin_settings.secrets_given(connection, name)) for name in names}

    def show(console: Console) -> None:
        for name, values in found.items():
            console.print(f"[bold]{escape(name)}[/] {escape(text_of(plugin_settings.group_of(name).label, 'en'))}")
            for key, value in values.items():
                console.print(escape(f"  {key} = {'' if value is None else value}"))

    state.answer(found, show)


@command.command("set")
@click.argument("group")
@click.argument("assignments", nargs=-1, required=True)
@pass_state
def set_settings(state: State, group: str, assignments: tuple[str, ...]) -> None:
    """Change settings of GROUP, each as name=value; 'name=' takes the default, lines have ';' between them."""
    fields = {f.name: f for f in plugin_settings.group_of(group).fields}
    changes: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"'{text[:60]}' has no '='.", param_hint="ASSIGNMENTS")
        changes[name] = _read(fields[name], value) if name in fields else value
    plugin_settings.change_settings(state.tenant, group, changes)
    state.answer({"changed": sorted(changes)}, f"{len(changes)} setting(s) of '{group}' changed.")


def _values(state: State, name: str, secrets: set[str]) -> dict[str, Any]:
    plain = plugin_settings.values_of(state.tenant, name)
    return {
        f.name: ("(given)" if f.name in secrets else None) if f.type == "secret" else plain[f.name]
        for f in plugin_settings.group_of(name).fields
    }


def _read(field: SettingField, text: str) -> Any:
    if text == "":
        return None if field.type == "secret" else field.default
    if field.type == "number":
        return int(text) if text.lstrip("-").isdigit() else text
    if field.type == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    return [v.strip() for v in text.split(";") if v.strip()] if field.type == "lines" else text
