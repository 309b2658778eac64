"""A tenant with the objects of ``model.py``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ripples.model import DOCUMENTS
from support.kernel import publish

from trellis.tenant import Tenant


@pytest.fixture
def books(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    """A tenant with accounts, deals and expenses."""
    return open_copy("books", lambda tenant: publish(tenant, *DOCUMENTS))
