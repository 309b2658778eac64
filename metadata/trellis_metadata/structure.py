"""Structure: which parts of a document have a name of their own.

Read from ``x-merge`` in the schemas. A list that merges as ``named`` holds elements addressed by their names; an
object that merges as ``named`` holds values addressed by their keys; everything else is one value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from trellis_metadata.schema_files import Schema


class Form(Enum):
    """How a value is taken apart."""

    VALUE = "value"
    ELEMENT = "element"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Node:
    """How one value of a document is taken apart.

    ``keys`` are the parts of an element or a map, ``rest`` stands for all other keys of a map, ``item`` for the
    elements of a list. Fields have different keys by type: ``variants``. ``text`` marks labels, ``keeps_names``
    elements with ``was``. A list that is one value for operations but merges entry by entry has ``merge``: ``ordered``
    or ``set``; its entries that are objects are told apart by the keys in ``identity`` (none: by all they hold).
    """

    form: Form
    keys: Mapping[str, Node] = field(default_factory=dict)
    item: Node | None = None
    rest: Node | None = None
    variants: Mapping[str, Node] = field(default_factory=dict)
    text: bool = False
    keeps_names: bool = False
    merge: str = ""
    identity: tuple[str, ...] = ()

    @property
    def is_grid(self) -> bool:
        """Whether the value is rows of cells, which merge cell by cell."""
        return self.merge == "ordered" and self.item is not None and bool(self.item.merge)

    def of(self, value: Mapping[str, Any]) -> Node:
        """Return the node that fits ``value``: for a field, that of its type."""
        return self.variants.get(str(value.get("type")), self) if self.variants else self

    def child(self, key: str) -> Node:
        """Return the node of a key of an element or map."""
        return self.keys.get(key) or self.rest or VALUE


VALUE = Node(Form.VALUE)


def document_node(schema: Schema, field_schemas: Mapping[str, Schema]) -> Node:
    """Return the structure of a kind's documents; ``schema`` has its references inlined."""
    return _element(schema, field_schemas)


def _element(schema: Schema, field_schemas: Mapping[str, Schema]) -> Node:
    if "x-variants" in schema:
        variants = {name: _element(s, {}) for name, s in field_schemas.items()}
        return Node(Form.ELEMENT, variants=variants, keeps_names=True)
    properties = schema.get("properties", {})
    keys = {name: _node(part, field_schemas) for name, part in properties.items()}
    return Node(Form.ELEMENT, keys=keys, keeps_names="was" in properties)


def _node(schema: Schema, field_schemas: Mapping[str, Schema]) -> Node:
    if schema.get("x-is") == "label":
        return Node(Form.VALUE, text=True)
    if schema.get("x-merge") in ("ordered", "set") and isinstance(schema.get("items"), dict):
        return _entries(schema["x-merge"], schema["items"], field_schemas)
    if schema.get("x-merge") != "named":
        return VALUE
    if isinstance(schema.get("items"), dict):
        return Node(Form.LIST, item=_element(schema["items"], field_schemas))
    rest = schema.get("additionalProperties")
    return Node(
        Form.MAP,
        keys={name: _node(part, field_schemas) for name, part in schema.get("properties", {}).items()},
        rest=_node(rest, field_schemas) if isinstance(rest, dict) else None,
    )


def _entries(merge: str, items: Schema, field_schemas: Mapping[str, Schema]) -> Node:
    if "properties" not in items:
        return Node(Form.VALUE, merge=merge, item=_node(items, field_schemas))
    branches = [items, *items.get("oneOf", ()), *items.get("anyOf", ())]
    identity = dict.fromkeys(key for branch in branches for key in branch.get("required", ()))
    return Node(Form.VALUE, merge=merge, item=_element(items, field_schemas), identity=tuple(identity))


def named_lists(
    value: object, node: Node, at: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], list[Any]]]:
    """Yield every named list inside ``value`` with its place (keys and indexes); tolerant of wrong shapes."""
    if node.form is Form.LIST and isinstance(value, list):
        yield at, value
        for index, element in enumerate(value):
            if isinstance(element, dict) and node.item is not None:
                yield from named_lists(element, node.item, (*at, index))
    elif isinstance(value, dict):
        fitting = node.of(value)
        for key, part in value.items():
            if (child := fitting.child(key)) is not VALUE:
                yield from named_lists(part, child, (*at, key))
