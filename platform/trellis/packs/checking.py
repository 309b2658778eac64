"""``pack check``: everything that can be said about a pack before anybody installs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from trellis.automation.checking import CHECKER
from trellis.core import core_documents
from trellis.fields import field_types
from trellis.packs import cases, migrations
from trellis.packs.folders import find_packs
from trellis.packs.options import BadOption
from trellis.packs.ranges import accepts, parse_version
from trellis.packs.screenshots import wrong_pictures
from trellis.packs.source import Content, PackSource, read_pack
from trellis.rules.checking import check_formula
from trellis_metadata.diagnostics import Diagnostic, Severity
from trellis_metadata.labels import LANGUAGES
from trellis_metadata.language import Language
from trellis_metadata.merge.overlay import Overlay, own_names, owns
from trellis_metadata.snapshot import Document, Snapshot
from trellis_metadata.structure import Form, Node

LOCAL = "x"
"""Prefix of what customers add; no pack uses it."""


def check_pack(source: PackSource, packs: Mapping[str, PackSource] | None = None) -> tuple[Snapshot, list[Diagnostic]]:
    """Return the metadata of a tenant with this pack, as it recommends, and everything that is wrong.

    ``packs`` are those that it may require (default: the shipped ones).
    """
    language = Language(field_types(), system={}, formula_checker=check_formula, automation_checker=CHECKER)
    around, found = _required(source, packs if packs is not None else _shipped(), language)
    found += list(language.check([source.document])[1])
    if "installed" in source.document:
        found.append(_said("unknown_key", "pack.json", "'installed' is written at installation.", "Remove it."))
    try:
        content = source.content({}, [s["name"] for s in source.document.get("slices", ())])
    except (BadOption, KeyError, TypeError) as problem:
        found.append(
            _said("bad_option", "pack.json", str(problem), "Mend the options, or the documents that use them.")
        )
        return around, found
    whole, more = _whole(source, content, around, language)
    found += [*more, *_names(source, content, language), *_slices(source, content), *wrong_pictures(source)]
    found += _texts(content, language)
    found += [d for case in source.cases for d in cases.problems_of(case)]
    found += [d for m in source.migrations for d in migrations.problems_of(m)]
    return whole, found + list(_steps(source, whole))


def _steps(source: PackSource, whole: Snapshot) -> Iterator[Diagnostic]:
    """Yield the steps of data migrations over objects that there are not, such as one that a later version removed."""
    for migration in source.migrations:
        steps = migration.get("steps")
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            name = step.get("object") if isinstance(step, Mapping) else None
            if isinstance(name, str) and whole.get("object", name) is None:
                said = f"Step {index + 1} changes '{name}', which is no object."
                yield _said("unknown_reference", str(migration.get("$file", "migration")), said, "Remove the step.")


def errors_of(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the errors among diagnostics."""
    return [d for d in found if d.severity is Severity.ERROR]


def _shipped() -> dict[str, PackSource]:
    return {name: read_pack(folder) for name, folder in find_packs().items()}


def _required(
    source: PackSource, packs: Mapping[str, PackSource], language: Language
) -> tuple[Snapshot, list[Diagnostic]]:
    snapshot, found = Snapshot.of(core_documents()), []
    for name, ranges in _order(source, packs):
        pack = packs.get(name)
        if pack is None or not all(accepts(wanted, pack.version) for wanted in ranges):
            wanted = " and ".join(ranges)
            what = f"Pack '{name}'{f' {wanted}' if wanted else ''} is required and not at hand."
            found.append(_said("missing_pack", "pack.json", what, "Put it on the shelf, or name its folder by --with."))
            continue
        content = pack.content({}, pack.slices(None))
        snapshot = _with(snapshot, pack, content, language).with_documents([pack.document])
    return snapshot, found


def _order(source: PackSource, packs: Mapping[str, PackSource]) -> list[tuple[str, list[str]]]:
    """Return all required packs with the ranges of all that require them, each after what it requires itself."""
    found: dict[str, list[str]] = {}

    def visit(pack: PackSource, path: tuple[str, ...]) -> None:
        for needed in pack.document.get("requires", ()):
            name = needed["name"]
            if name not in path and name in packs:
                visit(packs[name], (*path, name))
            ranges = found.setdefault(name, [])
            if needed.get("version", "") not in ("", *ranges):
                ranges.append(needed["version"])

    visit(source, (source.name,))
    return list(found.items())


def load_order(name: str, packs: Mapping[str, PackSource]) -> list[str]:
    """Return the packs to install so that ``name`` can be, in order, ``name`` last."""
    return [*(n for n, _ in _order(packs[name], packs)), name]


def _with(snapshot: Snapshot, source: PackSource, content: Content, language: Language) -> Snapshot:
    overlay = Overlay(source.prefix)
    snapshot = snapshot.with_documents(content.own)
    for key, part in content.extensions.documents.items():
        document = snapshot.documents.get(key)
        if document is not None:
            snapshot = snapshot.with_documents([overlay.put(document, part, language.structure(key[0]))])
    return snapshot


def _whole(
    source: PackSource, content: Content, around: Snapshot, language: Language
) -> tuple[Snapshot, list[Diagnostic]]:
    found = []
    for key, owner in content.owners.items():
        if around.documents.get(key) is None:
            place = f"extends/{owner}/{'/'.join(key)}"
            found.append(_said("unknown_reference", place, f"There is no {key[0]} '{key[1]}' of '{owner}' to add to."))
    for key in content.own.documents:
        if key in around.documents:
            remedy = "Put what you add to it into the folder extends/<its pack>."
            found.append(_said("name_taken", "/".join(key), f"Another pack brings {key[0]} '{key[1]}'.", remedy))
    whole = _with(around, source, content, language)
    new = [d for k, d in whole.documents.items() if around.documents.get(k) is not d]
    _, problems = language.check(new, around)
    return whole, [*found, *problems]


def _names(source: PackSource, content: Content, language: Language) -> Iterator[Diagnostic]:
    prefix = source.prefix
    if content.extensions.documents and not prefix:
        yield _said("missing_prefix", "pack.json", "A pack that adds to others needs a 'prefix'.", 'For example "edu".')
    for key, part in content.extensions.documents.items():
        yield from _changes(key, part, language.structure(key[0]), prefix)
    for key, document in content.own.documents.items():
        listed = [key[1], *(p[-1] for p in own_names(document, language.structure(key[0])))]
        for name in listed:
            if owns(LOCAL, name):
                yield _said(
                    "reserved_prefix",
                    "/".join(key),
                    f"'{name}' begins with x_, which is the customers' own.",
                    "Rename it.",
                )


def _changes(key: tuple[str, str], part: Document, node: Node, prefix: str) -> Iterator[Diagnostic]:
    """Yield what a part of a document of others changes rather than adds."""
    place = "/".join(key)
    for name in part:
        child = node.child(name)
        adds = child.form is not Form.VALUE or bool(child.merge)
        if name not in ("kind", "name") and not adds:
            yield _said(
                "changes_others",
                place,
                f"'{name}' belongs to the document's owner.",
                "A pack adds to others, it does not change them.",
            )
    for path in own_names(part, node):
        inside = any(owns(prefix, p) for p in path)
        way = any(other != path and other[: len(path)] == path for other in own_names(part, node))
        if not inside and not way and not _adds_entries(part, path):
            yield _said(
                "missing_prefix",
                place,
                f"'{path[-1]}' does not begin with '{prefix}_'.",
                "What a pack adds to others carries its prefix.",
            )


def _adds_entries(part: Any, path: tuple[str, ...]) -> bool:
    """Whether the element at ``path`` is the way to entries of a list without names, such as cells."""
    from trellis_metadata.addresses import find

    element = find(part, path)
    return isinstance(element, Mapping) and any(
        isinstance(v, list) and not any(isinstance(e, Mapping) and "name" in e for e in v) for v in element.values()
    )


def _slices(source: PackSource, content: Content) -> Iterator[Diagnostic]:
    known = {"/".join(k) for k in (*content.own.documents, *content.extensions.documents)}
    for entry in source.document.get("slices", ()):
        for document in entry["documents"]:
            if document not in known:
                yield _said(
                    "unknown_reference", "pack.json", f"Part '{entry['name']}' names '{document}', which is not here."
                )
    for change in source.document.get("changes", ()):
        if parse_version(change["version"]) > parse_version(source.version):
            yield _said(
                "bad_version", "pack.json", f"'changes' tells of {change['version']}, later than the pack itself."
            )


def _texts(content: Content, language: Language) -> Iterator[Diagnostic]:
    """Yield every text for people that is missing in a language."""
    translated: dict[str, set[str]] = {}
    for document in content.own.of_kind("translation").values():
        for path in document["texts"]:
            translated.setdefault(path, set()).add(document["language"])
    for document in [*content.own, *content.extensions]:
        node = language.structure(document["kind"])
        for path, text in _labels(document, node, ()):
            has = set(text) if isinstance(text, Mapping) else {"en"}
            has |= translated.get(".".join((document["kind"], document["name"], *path)), set())
            missing = [code for code in LANGUAGES if code not in has]
            if missing:
                yield _said(
                    "missing_translation",
                    f"{document['kind']}/{document['name']}",
                    f"{'.'.join(path)} has no text in {', '.join(missing)}.",
                    'Write {"en": …, "zh": …}, or add it to a translation.',
                )


def _labels(value: Any, node: Node, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, Mapping):
        return
    fitting = node.of(value)
    for key, part in value.items():
        child = fitting.child(key)
        if child.text:
            yield (*at, key), part
        elif child.form is Form.MAP:
            yield from _labels(part, child, (*at, key))
        elif child.form is Form.LIST and child.item is not None and isinstance(part, list):
            for element in part:
                if isinstance(element, Mapping) and "name" in element:
                    yield from _labels(element, child.item, (*at, key, element["name"]))


def _said(code: str, place: str, message: str, remedy: str = "") -> Diagnostic:
    return replace(Diagnostic(code, "", message, remedy), document=place)


__all__ = ["check_pack", "errors_of", "load_order"]
