"""The functions of the expression language, found by looking into this folder and into plug-ins.

One file is one function, ``FUNCTION``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from trellis import plugins
from trellis.formula.function import Function
from trellis_metadata.errors import TrellisError


class DuplicateFunction(TrellisError):
    """Two files define a function of the same name."""

    code = "duplicate_function"


def load(package: str, paths: list[str]) -> dict[str, Function]:
    """Import every module below ``paths`` and return its function by name."""
    found: dict[str, Function] = {}
    files: dict[str, str | None] = {}
    for info in pkgutil.iter_modules(paths):
        module = importlib.import_module(f"{package}.{info.name}")
        function = module.FUNCTION
        if function.name in found:
            raise DuplicateFunction(
                f"Function {function.name} is defined in {files[function.name]} and {module.__file__}."
            )
        found[function.name], files[function.name] = function, module.__file__
    return dict(sorted(found.items()))


@cache
def functions() -> Mapping[str, Function]:
    """Return all functions by upper-case name, in order of name. Two of one name are a start-up error that names both."""
    found = load(__name__, list(__path__))
    plugins.add_given(
        "trellis_functions",
        found,
        dict.fromkeys(found, "Trellis"),
        lambda f: f.name,
        lambda told: DuplicateFunction(f"Function {told}"),
    )
    return dict(sorted(found.items()))
