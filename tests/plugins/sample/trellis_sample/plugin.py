"""Every hook, once: what the tests of hooks see when this package is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import click
from flask import Blueprint, jsonify
from markupsafe import Markup

from trellis.automation.action import Action
from trellis.channels import News, Reader
from trellis.cli.checks import Complaint
from trellis.cli.state import State, pass_state
from trellis.deliveries import Delivery, Outgoing
from trellis.exchange.source import Source
from trellis.fields import Codec, Column, FieldType, InvalidValue
from trellis.formula.function import Function
from trellis.hookspecs import hookimpl
from trellis.jobs import Job, schedule_sources
from trellis.jobs.schedule import Schedule
from trellis.jobs.topics import Topic
from trellis.plugin_settings import SettingField, SettingsGroup
from trellis.storage.types import text_column
from trellis.ui_slots import SlotContext, UiSlot
from trellis_metadata.diagnostics import Diagnostic

HEARD: list[Any] = []
"""What the plug-in was told, for the tests."""


class PlateField(FieldType):
    """Number plates, kept in capitals."""

    name = "plate"
    label = {"en": "Number plate", "zh": "车牌"}
    category = "text"

    def compile(self, field: Mapping[str, Any], env: Any) -> Codec:
        return Codec((Column(text_column(20)),), _plate, "text", from_text=_plate, search_text=str)


def _plate(value: Any) -> str | None:
    if not isinstance(value, str):
        raise InvalidValue("wrong_type", "A text is expected.", expected="text")
    if any(c in value for c in "!?"):
        raise InvalidValue("pattern", "A plate has no marks.")
    return value.strip().upper() or None


class Shout(Action):
    """Remembers a text."""

    name = "shout"
    label = {"en": "Shout", "zh": "喊"}
    properties = {"text": {"description": "What.", "type": "string", "examples": ["Hey"]}}
    required = ("text",)

    def run(self, flow: Any, step: Any, cases: Any) -> None:
        HEARD.extend((step.told["text"], case.values["name"]) for case in cases)


class Pigeon:
    """A carrier that flies to those who are known."""

    name, label = "pigeon", {"en": "Pigeon", "zh": "信鸽"}

    def deliver(self, tenant: Any, delivery: Delivery) -> str:
        HEARD.append(("flew", delivery.target, delivery.payload["text"]))
        return "It landed."


class PigeonChannel:
    """Tells people by pigeon."""

    name, label = "pigeon", {"en": "Pigeon", "zh": "信鸽"}

    def is_ready(self, tenant: Any) -> bool:
        return True

    def message(self, tenant: Any, connection: Any, reader: Reader, news: News) -> Outgoing | None:
        return Outgoing("pigeon", reader.name, news.text, {"text": news.text}, news.about)


class Attic:
    """A file store in memory."""

    name, label = "attic", {"en": "Attic", "zh": "阁楼"}

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def write(self, tenant: Any, key: str, path: Path) -> None:
        self.kept[key] = path.read_bytes()

    def read(self, tenant: Any, key: str, target: BinaryIO) -> None:
        target.write(self.kept[key])

    def remove(self, tenant: Any, key: str) -> None:
        self.kept.pop(key, None)


ATTIC = Attic()


class PipeReader:
    """Imports rows with bars between the cells."""

    FORMAT, SUFFIXES = "pipe", (".pipe",)

    def read(self, path: Path, **options: Any) -> Source:
        def rows() -> Iterator[list[Any]]:
            return iter(list(csv.reader(io.StringIO(path.read_text("utf-8")), delimiter="|"))[1:])

        headers = path.read_text("utf-8").split("\n")[0].split("|")
        return Source(path, "pipe", tuple(headers), rows)


@hookimpl
def trellis_field_types() -> Iterable[Any]:
    return [PlateField()]


@hookimpl
def trellis_functions() -> Iterable[Any]:
    return [
        Function(
            "SHOUT",
            ("text -> text",),
            "A text in capitals with a mark.",
            "text",
            python=lambda text: text.upper() + "!",
            refused="It is computed in Python only.",
            examples=(("SHOUT('a')", "'A!'"),),
        )
    ]


@hookimpl
def trellis_open_tenant(tenant: Any) -> None:
    def judge(tx: Any, model: Any, rows: Any) -> None:
        for row in rows:
            if row.value("name") == "forbidden":
                row.refuse("name", "sample", "The sample plug-in forbids it.")

    tenant.steps.judgement.append(judge)


@hookimpl
def trellis_check_document(tenant: Any, document: Any) -> Iterable[Any]:
    if isinstance(document, dict) and document.get("name") == "bad_thing":
        yield Diagnostic("sample", "/name", "The sample plug-in forbids it.", "Rename it.", "object/bad_thing")
    if isinstance(document, dict) and document.get("name") == "broken_thing":
        raise ZeroDivisionError("oh no")


@hookimpl
def trellis_document_tests(tenant: Any, document: Any) -> Iterable[Any]:
    return [("sampled", "" if document["name"] != "wrong" else "It is wrong.")]


@hookimpl
def trellis_topics() -> Iterable[Any]:
    def handle(job: Job) -> None:
        HEARD.append(("topic", job.payload["text"]))

    return [Topic("sample_topic", False, handle)]


@hookimpl
def trellis_actions() -> Iterable[Any]:
    return [Shout()]


@hookimpl
def trellis_schedules() -> Iterable[Any]:
    return [schedule_sources.Source("role", lambda document: [Schedule("0 8 * * *", "sample_topic", {"text": "Up"})])]


@hookimpl
def trellis_carriers() -> Iterable[Any]:
    return [Pigeon()]


@hookimpl
def trellis_channels() -> Iterable[Any]:
    return [PigeonChannel()]


@hookimpl
def trellis_file_stores() -> Iterable[Any]:
    return [ATTIC]


@hookimpl
def trellis_importers() -> Iterable[Any]:
    return [PipeReader()]


@hookimpl
def trellis_settings() -> Iterable[Any]:
    return [
        SettingsGroup(
            "sample",
            {"en": "Sample", "zh": "示例"},
            {"en": "Settings of the sample.", "zh": "示例设置。"},
            (SettingField("greeting", {"en": "Greeting", "zh": "问候语"}, default="Hello"),),
            test=lambda tenant, address: f"Tried for {address}.",
            test_label={"en": "Try", "zh": "试一试"},
        )
    ]


@hookimpl
def trellis_install_api(blueprint: Blueprint, api: Any) -> None:
    @blueprint.get("/sample/hello")
    def sample_hello() -> Any:
        return jsonify({"name": api.read(lambda r: r.principal).name})


@hookimpl
def trellis_ui_slots() -> Iterable[Any]:
    def shown(context: SlotContext) -> Any:
        return Markup("<p>Sample sees <em>{}</em> {}</p>").format(context.object, context.record)

    return [
        UiSlot("record", "sample_record", shown),
        UiSlot("home", "sample_home", lambda context: "<not markup>"),
        UiSlot("banner", "sample_banner", lambda context: None),
    ]


@hookimpl
def trellis_commands() -> Iterable[Any]:
    @click.command("sample")
    @pass_state
    def command(state: State) -> None:
        """Say hello."""
        state.answer({"hello": True}, "Hello from the sample.")

    return [command]


@hookimpl
def trellis_complaints(tenant: Any, connection: Any) -> Iterable[Any]:
    return [Complaint("sample", "The sample complains.", "Uninstall it.")]


class Bench:
    """A workbench for scripts that knows nothing."""

    def check(self, source: str) -> Any:
        return []

    def try_on(self, principal: Any, document: Any, record: str) -> Any:
        return {}

    def words(self, document: Any, word: str, language: str) -> Any:
        return []

    def runs(self, name: str) -> Any:
        return []


@hookimpl
def trellis_script_workbench(tenant: Any) -> Any:
    return Bench() if tenant.name == "sampled" else None
