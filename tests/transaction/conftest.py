"""A tenant with the shared objects, and two ordinary users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support.kernel import create, person, publish
from transaction.model import DOCUMENTS

from trellis.access import Principal
from trellis.tenant import Tenant


@pytest.fixture
def crm(open_copy: Callable[[str, Callable[[Tenant], object]], Tenant]) -> Tenant:
    """A tenant with the objects of ``model.py``."""
    return open_copy("crm", lambda tenant: publish(tenant, *DOCUMENTS))


@dataclass
class People:
    """Two people without special rights."""

    ada: Principal
    bob: Principal


@pytest.fixture
def people(crm: Tenant) -> People:
    """Ada and Bob, with their user records."""
    ada, bob = create(crm, "user", {"name": "Ada", "login": "ada"}, {"name": "Bob", "login": "bob"})
    return People(person(crm, ada, "Ada"), person(crm, bob, "Bob"))
