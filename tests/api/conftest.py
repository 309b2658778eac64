"""``world``: a small tenant behind the API, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.app import World
from support.app import world as build


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    with build(database_url, tmp_path / "home") as made:
        yield made
