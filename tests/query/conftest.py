"""A tenant with rows of every category, made once; the clock stands still."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from query.data import DOCUMENTS, fill
from support.kernel import publish

from trellis.tenant import Tenant


def _build(tenant: Tenant) -> None:
    publish(tenant, *DOCUMENTS)
    fill(tenant)


@pytest.fixture
def shop(open_copy: Callable[[str, Callable[[Tenant], None]], Tenant]) -> Tenant:
    """The tenant with the rows of ``data.py``."""
    return open_copy("shop", _build)
