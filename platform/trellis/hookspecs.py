"""What a plug-in may hook into: a signature and a sentence each. The page ``docs/plugins.md`` has an example of every one.

A plug-in is a Python package whose entry point in the group ``trellis.plugins`` names a module with functions marked by
:data:`hookimpl`. It is trusted code, installed by the operator. A hook that gives things (field types, commands …) is asked
once per process; a name that stands twice is an error that names both places.
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
    from trellis.automation.action import Action
    from trellis.channels import Channel
    from trellis.cli.checks import Complaint
    from trellis.deliveries import Carrier
    from trellis.exchange.source import Reader
    from trellis.fields import FieldType
    from trellis.file_stores import FileStore
    from trellis.formula.function import Function
    from trellis.jobs.schedule_sources import Source
    from trellis.jobs.topics import Topic
    from trellis.plugin_settings import SettingsGroup
    from trellis.tenant import Tenant
    from trellis.ui_slots import UiSlot

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

    def words(self, document: Mapping[str, Any], word: str, language: str) -> Sequence[Mapping[str, str]]:
        """Return what can complete ``word`` in the source of a document: ``value``, ``text`` and ``hint`` of each."""

    def runs(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the last runs of a script, newest first."""


class Specifications:
    """The hooks."""

    # -- the language and the data ---------------------------------------------------------------------------------

    @hookspec
    def trellis_field_types(self) -> Iterable[FieldType]:  # type: ignore[empty-body]
        """Return kinds of fields. Every object may use them, on every surface, like those of the platform."""

    @hookspec
    def trellis_functions(self) -> Iterable[Function]:  # type: ignore[empty-body]
        """Return functions of the expression language, with their bodies in Python and, if they have one, in SQL."""

    @hookspec
    def trellis_open_tenant(self, tenant: Tenant) -> None:
        """Add steps to the write path of a tenant (``tenant.steps``) when it is opened."""

    @hookspec
    def trellis_check_document(self, tenant: Tenant, document: Any) -> Iterable[Any]:  # type: ignore[empty-body]
        """Return diagnostics of a document that is about to be published, beyond those of the language."""

    @hookspec
    def trellis_document_tests(self, tenant: Tenant, document: Any) -> Iterable[tuple[str, str]]:  # type: ignore[empty-body]
        """Run the tests that a document holds, in a tenant made for trying; return name and failure (empty: none) of each."""

    # -- work ------------------------------------------------------------------------------------------------------

    @hookspec
    def trellis_actions(self) -> Iterable[Action]:  # type: ignore[empty-body]
        """Return things that a step of an automation, an approval or a rule of time can do."""

    @hookspec
    def trellis_topics(self) -> Iterable[Topic]:  # type: ignore[empty-body]
        """Return the topics of the outbox that the plug-in handles. A handler may run again after a failure."""

    @hookspec
    def trellis_schedules(self) -> Iterable[Source]:  # type: ignore[empty-body]
        """Return by kind what its documents ask to have done again and again; kept at publishing, one job per moment."""

    @hookspec
    def trellis_channels(self) -> Iterable[Channel]:  # type: ignore[empty-body]
        """Return ways to tell a person something outside the product: mail, chat, a telephone."""

    @hookspec
    def trellis_carriers(self) -> Iterable[Carrier]:  # type: ignore[empty-body]
        """Return ways to send messages to other systems. The platform keeps the log, tries again and sends again on demand."""

    @hookspec
    def trellis_file_stores(self) -> Iterable[FileStore]:  # type: ignore[empty-body]
        """Return places for the bytes of files. The tenant's setting ``file_store`` chooses one by its name."""

    @hookspec
    def trellis_importers(self) -> Iterable[Reader]:  # type: ignore[empty-body]
        """Return readers of file formats for imports, each with ``FORMAT``, ``SUFFIXES`` and ``read``."""

    @hookspec
    def trellis_settings(self) -> Iterable[SettingsGroup]:  # type: ignore[empty-body]
        """Return settings that an administrator makes per tenant; the setup has a page for each group."""

    # -- people and programs ---------------------------------------------------------------------------------------

    @hookspec
    def trellis_install_api(self, blueprint: Blueprint, api: Any) -> None:
        """Add routes below ``/api/v1``."""

    @hookspec
    def trellis_ui_slots(self) -> Iterable[UiSlot]:  # type: ignore[empty-body]
        """Return pieces of pages, each for a named place in the user interface."""

    @hookspec
    def trellis_commands(self) -> Iterable[click.Command]:  # type: ignore[empty-body]
        """Return commands for the command line."""

    @hookspec
    def trellis_complaints(self, tenant: Tenant, connection: Connection) -> Iterable[Complaint]:  # type: ignore[empty-body]
        """Return what ``trellis doctor`` should complain of."""

    @hookspec(firstresult=True)
    def trellis_script_workbench(self, tenant: Tenant) -> ScriptWorkbench | None:
        """Return what checks, tries and lists the runs of scripts for their author; None without a sandbox."""
