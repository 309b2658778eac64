"""``world``: a small tenant behind the API, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.app import World


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    """The tenant of ``support.app``."""
    return open_world()
