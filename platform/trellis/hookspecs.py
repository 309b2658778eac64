"""What a plug-in may hook into: a signature and a sentence each.

A plug-in is a Python package whose entry point in the group ``trellis.plugins`` names a module with functions marked by
:data:`hookimpl`. It is trusted code, installed by the operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    import click
    from flask import Blueprint
    from sqlalchemy.engine import Connection

    from trellis.access import Principal
    from trellis.tenant import Tenant

hookspec = pluggy.HookspecMarker("trellis")
hookimpl = pluggy.HookimplMarker("trellis")


class ScriptWorkbench(Protocol):
    """What the script editor of a user interface asks."""

    def check(self, source: str) -> Sequence[Mapping[str, Any]]:
        """Return why a source does not compile: ``line``, ``column``, ``message``; nothing if it does."""

    def try_on(self, principal: Principal, document: Mapping[str, Any], record: str) -> Mapping[str, Any]:
        """Run a script document against a stored record and keep nothing.

        Returns ``outcome``, ``line``, ``message``, ``changes``, ``refusals``, ``log`` and ``gauges`` (``used`` and ``allowed`` by
        name). Raises :class:`TrellisError` for a record that is not there.
        """

    def runs(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the last runs of a script, newest first."""


class Specifications:
    """The hooks."""

    @hookspec
    def trellis_open_tenant(self, tenant: Tenant) -> None:
        """Add steps to the write path of a tenant (``tenant.steps``) when it is opened."""

    @hookspec
    def trellis_check_document(self, tenant: Tenant, document: Any) -> Iterable[Any]:  # type: ignore[empty-body]
        """Return diagnostics of a document that is about to be published, beyond those of the language."""

    @hookspec(firstresult=True)
    def trellis_script_workbench(self, tenant: Tenant) -> ScriptWorkbench | None:
        """Return what checks, tries and lists the runs of scripts for their author; None without a sandbox."""

    @hookspec
    def trellis_install_api(self, blueprint: Blueprint, api: Any) -> None:
        """Add routes below ``/api/v1``."""

    @hookspec
    def trellis_topics(self) -> Iterable[Any]:  # type: ignore[empty-body]
        """Return the topics of the outbox (``trellis.jobs.topics.Topic``) that the plug-in handles."""

    @hookspec
    def trellis_commands(self) -> Iterable[click.Command]:  # type: ignore[empty-body]
        """Return commands for the command line."""

    @hookspec
    def trellis_complaints(self, tenant: Tenant, connection: Connection) -> Iterable[Any]:  # type: ignore[empty-body]
        """Return what ``trellis doctor`` should complain of (``trellis.cli.checks.Complaint``)."""
