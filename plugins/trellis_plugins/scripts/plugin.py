"""The plug-in: what scripts hook into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from trellis.hookspecs import hookimpl

if TYPE_CHECKING:
    import click
    from flask import Blueprint
    from sqlalchemy.engine import Connection

    from trellis.tenant import Tenant


@hookimpl
def trellis_open_tenant(tenant: Tenant) -> None:
    """Let scripts take part in writes: before-scripts after all other own-row decisions, the others last of their kind."""
    from trellis_plugins.scripts import steps

    tenant.steps.own_row.append(steps.before)
    tenant.steps.judgement.append(steps.validate)
    tenant.steps.after.append(steps.after)
    tenant.steps.before_delete.append(steps.before_delete)
    tenant.steps.after_delete.append(steps.after_delete)
    tenant.steps.commit.append(steps.commit)


@hookimpl
def trellis_check_document(tenant: Tenant, document: Any) -> Iterable[Any]:
    """Compile a script that is to be published; every problem is told with its line."""
    from trellis_metadata.diagnostics import Diagnostic
    from trellis_plugins.scripts.host.errors import ScriptRefused
    from trellis_plugins.scripts.host.sandbox import shared
    from trellis_plugins.scripts.schedules import problems_of

    if (
        not isinstance(document, dict)
        or document.get("kind") != "script"
        or not isinstance(document.get("source"), str)
    ):
        return []
    found = list(problems_of(document))
    try:
        shared().compile(document["source"])
    except ScriptRefused as refusal:
        place = f"script/{document.get('name')}"
        found += [
            Diagnostic("script_refused", "/source", f"Line {p['line']}: {p['message']}", "Change the source.", place)
            for p in refusal.problems
        ]
    return found


@hookimpl
def trellis_document_tests(tenant: Tenant, document: Any) -> Iterable[tuple[str, str]]:
    """Run the tests of scripts before a pack is installed."""
    from trellis_plugins.scripts.trial import tests_of

    return tests_of(tenant, document)


@hookimpl
def trellis_script_workbench(tenant: Tenant) -> Any:
    """Serve the script editor."""
    from trellis_plugins.scripts.workbench import Workbench

    return Workbench(tenant)


@hookimpl
def trellis_install_api(blueprint: Blueprint, api: Any) -> None:
    """Add the addresses of endpoints and buttons."""
    from trellis_plugins.scripts.endpoints import install

    install(blueprint, api)


@hookimpl
def trellis_topics() -> Iterable[Any]:
    """Handle queued actions and scheduled scripts."""
    from trellis.jobs.topics import Topic
    from trellis_plugins.scripts import actions, schedules

    return [Topic(actions.TOPIC, False, actions.handle), Topic(schedules.TOPIC, False, schedules.handle)]


@hookimpl
def trellis_schedules() -> Iterable[Any]:
    """Let scripts run again and again."""
    from trellis.jobs.schedule_sources import Source
    from trellis_plugins.scripts.schedules import schedules_of

    return [Source("script", schedules_of)]


@hookimpl
def trellis_commands() -> Iterable[click.Command]:
    """Add ``trellis script``."""
    from trellis_plugins.scripts.commands import command

    return [command]


@hookimpl
def trellis_ui_slots() -> Iterable[Any]:
    """Say on every page when scripts run without all walls."""
    from trellis.ui_slots import UiSlot
    from trellis_plugins.scripts.banner import banner

    return [UiSlot("banner", "script_walls", banner)]


@hookimpl
def trellis_complaints(tenant: Tenant, connection: Connection) -> Iterator[Any]:
    """Name missing walls, failed probes, suspended scripts and rights that nobody approved."""
    from trellis.cli.checks import Complaint
    from trellis_plugins.scripts import audit
    from trellis_plugins.scripts.catalogue import catalogue_of
    from trellis_plugins.scripts.host.sandbox import doctor, shared

    scripts = catalogue_of(tenant.model_in(connection)).scripts
    if not scripts:
        return
    for told in doctor(shared()):
        yield Complaint("script sandbox", f"{told[0].upper()}{told[1:]}.", "Use a kernel with Landlock and seccomp.")
    for name, reason in audit.suspended(connection).items():
        yield Complaint(
            f"script {name}", f"It is suspended: {reason}", f"Mend it, then 'trellis script resume {name}'."
        )
    granted = audit.granted(connection)
    for name, script in scripts.items():
        if script.asks is not None and granted.get(name) != script.asks:
            yield Complaint(
                f"script {name}",
                "It asks for rights that no administrator approved, and runs without them.",
                f"Look at them, then 'trellis script grant {name}'.",
            )
