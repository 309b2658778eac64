"""Plug-ins that are installed for one test: a package on the path with an entry point, as pip leaves it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trellis import channels, deliveries, file_stores, plugin_settings, plugins, ui_slots
from trellis import tenant as opening
from trellis.automation import action, checking
from trellis.cli import discovery
from trellis.exchange import source
from trellis.fields import field_types
from trellis.formula.functions import functions
from trellis.formula.sql import postgresql
from trellis.jobs import schedule_sources
from trellis.jobs.topics import topics

SAMPLE = Path(__file__).parent / "sample"
Install = Callable[[Path], None]


def forget() -> None:
    """Let everything that was found be looked for again."""
    for known in (
        plugins._loaded,
        field_types,
        functions,
        topics,
        discovery.commands,
        source.readers,
        channels.channels,
        deliveries.carriers,
        file_stores.stores,
        plugin_settings.settings_groups,
        ui_slots.pieces,
        action.actions,
        schedule_sources.sources,
        checking._validator,
        postgresql.helpers,
        opening._language,
    ):
        known.cache_clear()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Call with a folder that holds a package and its ``dist-info``."""
    names = set(sys.modules)

    def add(folder: Path) -> None:
        monkeypatch.syspath_prepend(str(folder))
        forget()

    yield add
    for name in set(sys.modules) - names:
        if name.split(".")[0].startswith("trellis_sample"):
            del sys.modules[name]
    monkeypatch.undo()
    forget()


@pytest.fixture
def write_plugin(tmp_path: Path) -> Callable[..., Path]:
    """Call with a name and the source of a plug-in module to get a folder to install."""

    def write(name: str, code: str) -> Path:
        folder = tmp_path / name
        information = folder / f"trellis_sample_{name}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: trellis-sample-{name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[trellis.plugins]\n{name} = trellis_sample_{name}\n")
        (folder / f"trellis_sample_{name}.py").write_text(code)
        return folder

    return write


@pytest.fixture
def sample(install: Install) -> Any:
    """The sample plug-in, installed; its module."""
    import importlib

    install(SAMPLE)
    plugins.manager()
    module = importlib.import_module("trellis_sample.plugin")
    module.HEARD.clear()
    return module
