"""The ways by which a person reaches a record, one module each: the module's ``ARM`` serves all three readings.

``condition`` is what the query builder and decisions use; ``ids`` the same turned round, for those who reach little;
``paths`` names what makes the condition true, with the change that would end it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

from trellis.access.arms.base import Arm
from trellis.access.principal import Principal


@cache
def arms() -> Sequence[Arm]:
    """Return the arms in the order in which they are tried: the cheap ones first."""
    modules = [importlib.import_module(f"{__name__}.{i.name}") for i in pkgutil.iter_modules(__path__)]
    return sorted((m.ARM for m in modules if hasattr(m, "ARM")), key=lambda a: (a.order, a.name))


def arms_for(principal: Principal) -> Sequence[Arm]:
    """Return the arms that give or take something for a principal: for people outside only those that say so."""
    return arms() if principal.kind != "portal" else [a for a in arms() if a.portal or a.subtracts]
