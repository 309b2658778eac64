"""One sandbox for all tests of scripts in a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from trellis_plugins.scripts.host.sandbox import Sandbox, shared


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The strongest sandbox that the machine offers."""
    found = shared(production=False)
    yield found
    found.close()


@pytest.fixture
def walls(sandbox: Sandbox) -> Sandbox:
    """A sandbox behind both walls; skips where the machine lacks one."""
    if sandbox.missing:
        pytest.skip(f"this machine does not offer {', '.join(sandbox.missing)}")
    return sandbox
