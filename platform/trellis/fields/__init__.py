"""Field types, found by looking into this folder (one file is one type) and into plug-ins."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache

from trellis import plugins
from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, InvalidValue, Part
from trellis_metadata.errors import TrellisError

__all__ = ["Codec", "Column", "Environment", "FieldDoc", "FieldType", "InvalidValue", "Part", "field_types"]


class DuplicateFieldType(TrellisError):
    """Two files define a field type of the same name."""

    code = "duplicate_field_type"


@cache
def field_types() -> Mapping[str, FieldType]:
    """Return every field type by name, in order of name. Two of one name are a start-up error that names both."""
    found: dict[str, FieldType] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, FieldType) and kind.__module__ == module.__name__ and "name" in vars(kind):
                if kind.name in found:
                    first = inspect.getfile(type(found[kind.name]))
                    raise DuplicateFieldType(f"Field type '{kind.name}' is defined in {first} and {module.__file__}.")
                found[kind.name] = kind()
    places = {name: inspect.getfile(type(kind)) for name, kind in found.items()}
    plugins.add_given(
        "trellis_field_types", found, places, lambda k: k.name, lambda told: DuplicateFieldType(f"Field type {told}")
    )
    return dict(sorted(found.items()))
