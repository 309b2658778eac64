"""Random metadata: snapshots of objects, picklists, list views, layouts and apps that the language accepts.

Names come from small pools, so that two snapshots drawn apart share many of them and differ in all ways.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from trellis.fields import field_types
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Snapshot

LANGUAGE = Language(field_types())
OBJECTS = ("account", "contact", "deal", "order", "ticket")
FIELDS = ("name", "amount", "stage", "parent", "closed_on", "note", "active", "score")
OPTIONS = ("hot", "warm", "cold", "lost")
PICKLISTS = ("industry", "rating_scale")
OTHERS = ("main", "second", "third")
OLD = ("earlier", "former", "once")

Draw = st.DrawFn
Json = dict[str, Any]
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
labels = st.one_of(texts, st.fixed_dictionaries({"en": texts}, optional={"zh": texts}))


def names(pool: tuple[str, ...], least: int = 0) -> st.SearchStrategy[list[str]]:
    """Different names of a pool in any order."""
    return st.lists(st.sampled_from(pool), min_size=least, max_size=4, unique=True)


def maybe(draw: Draw, key: str, strategy: st.SearchStrategy[Any]) -> Json:
    """The key with a drawn value, or nothing."""
    return {key: draw(strategy)} if draw(st.booleans()) else {}


@st.composite
def options(draw: Draw) -> list[Json]:
    """Options of a picklist."""
    return [
        {"name": name, **maybe(draw, "label", labels), **maybe(draw, "color", st.sampled_from(["red", "#00ff00"]))}
        for name in draw(names(OPTIONS, 1))
    ]


@st.composite
def fields(draw: Draw, name: str, objects: list[str], picklists: list[str]) -> Json:
    """A field of any of several types with some of its options."""
    kinds = ["text", "integer", "boolean", "date", "picklist", "currency", *(["lookup"] if objects else [])]
    kind = "text" if name == "name" else draw(st.sampled_from(kinds))
    field: Json = {"name": name, "type": kind, **maybe(draw, "label", labels), **maybe(draw, "required", st.booleans())}
    if kind == "text":
        field |= maybe(draw, "max_length", st.integers(1, 255))
    elif kind == "picklist" and picklists and draw(st.booleans()):
        field["picklist"] = draw(st.sampled_from(picklists))
    elif kind == "picklist":
        field["options"] = draw(options())
    elif kind == "lookup":
        field["target"] = draw(st.sampled_from(objects))
    return field | maybe(draw, "indexed", st.booleans())


@st.composite
def objects(draw: Draw, name: str, among: list[str], picklists: list[str]) -> Json:
    """An object whose lookups point to ``among``."""
    chosen = draw(names(FIELDS))
    listed = [draw(fields(field, among, picklists)) for field in chosen]
    for field, old in zip(listed, draw(names(OLD)), strict=False):
        field["was"] = [old]
    document: Json = {"kind": "object", "name": name, **maybe(draw, "label", labels), "fields": listed}
    document |= maybe(draw, "record_types", st.builds(lambda ns: [{"name": n} for n in ns], names(OTHERS)))
    document |= maybe(
        draw, "sharing", st.fixed_dictionaries({}, optional={"default": st.sampled_from(["private", "read"])})
    )
    document |= maybe(draw, "features", st.fixed_dictionaries({}, optional={"search": st.just([])}))
    if chosen and draw(st.booleans()):
        document["indexes"] = [{"name": n, "fields": [draw(st.sampled_from(chosen))]} for n in draw(names(OTHERS))]
    return document


@st.composite
def views(draw: Draw, kind: str, name: str, document: Json) -> Json:
    """A list view or a layout of an object."""
    paths = [field["name"] for field in document["fields"]] + ["created_at", "owner.name"]
    chosen = draw(st.lists(st.sampled_from(paths), min_size=1, max_size=4, unique=True))
    view: Json = {"kind": kind, "name": name, **maybe(draw, "label", labels), "object": document["name"]}
    if kind == "layout":
        sections = [
            {"name": n, "cells": [[p] for p in chosen] if i == 0 else []} for i, n in enumerate(draw(names(OTHERS)))
        ]
        return {**view, "sections": sections, **maybe(draw, "highlights", st.just(chosen))}
    condition = st.sampled_from(paths).map(lambda p: {"field": p, "op": "is_not_blank"})
    tree = st.recursive(
        condition, lambda t: st.one_of(st.builds(lambda x: {"not": x}, t), st.builds(lambda x: {"and": [x]}, t))
    )
    return {**view, "columns": chosen, **maybe(draw, "filter", tree), **maybe(draw, "shared", st.booleans())}


@st.composite
def documents(draw: Draw) -> list[Json]:
    """Documents that fit together."""
    picklists, object_names = draw(names(PICKLISTS)), draw(names(OBJECTS))
    result: list[Json] = [{"kind": "picklist", "name": n, "options": draw(options())} for n in picklists]
    made = [draw(objects(name, object_names, picklists)) for name in object_names]
    result += made
    if made:
        for kind in ("list_view", "layout"):
            result += [draw(views(kind, name, draw(st.sampled_from(made)))) for name in draw(names(OTHERS))]
    items = [{"object": name, **maybe(draw, "label", labels)} for name in draw(names(tuple(object_names) or ("user",)))]
    result += [{"kind": "app", "name": name, "items": items} for name in draw(names(OTHERS))]
    return result


@st.composite
def snapshots(draw: Draw) -> Snapshot:
    """A valid snapshot."""
    snapshot, found = LANGUAGE.check(draw(documents()))
    assert snapshot is not None, found
    return snapshot
