"""What a plug-in may hook into: a signature and a sentence each.

A plug-in is a Python package whose entry point in the group ``trellis.plugins`` names a module with functions marked by
:data:`hookimpl`. It is trusted code, installed by the operator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click
    from flask import Blueprint
    from sqlalchemy.engine import Connection

    from trellis.tenant import Tenant

hookspec = pluggy.HookspecMarker("trellis")
hookimpl = pluggy.HookimplMarker("trellis")


class Specifications:
    """The hooks."""

    @hookspec
    def trellis_open_tenant(self, tenant: Tenant) -> None:
        """Add steps to the write path of a tenant (``tenant.steps``) when it is opened."""

    @hookspec
    def trellis_check_document(self, tenant: Tenant, document: Any) -> Iterable[Any]:  # type: ignore[empty-body]
        """Return diagnostics of a document that is about to be published, beyond those of the language."""

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
