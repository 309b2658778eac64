"""The language: one validator behind every door.

A document is judged in steps, each of which reports everything it finds: JSON value → kind → shape → names →
references → semantics. A document of a wrong shape is judged no further, and what others expect of it is not held
against them.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from trellis_metadata import duplicates, values
from trellis_metadata.context import AutomationChecker, Check, FormulaChecker
from trellis_metadata.diagnostics import Diagnostic, Severity, did_you_mean
from trellis_metadata.field_types import FieldTypeSpec
from trellis_metadata.kind import Kind, Reference, kinds
from trellis_metadata.relations import Missing, Relations
from trellis_metadata.schema_files import Schema, complete
from trellis_metadata.shape import Shapes
from trellis_metadata.snapshot import EMPTY, Document, Key, Snapshot
from trellis_metadata.structure import Node, document_node
from trellis_metadata.stubs import stub

__all__ = ["AutomationChecker", "Check", "FormulaChecker", "Language"]
SYSTEM: Mapping[str, Mapping[str, str]] = {"user": {"name": "text", "email": "email", "active": "boolean"}}
"""Objects of the system with their fields' types: they always exist and no document defines them."""

MAX_SHAPES = 20_000
"""Documents by content whose shape is known."""


class Language:
    """The kinds of documents together with the field types of one installation."""

    def __init__(
        self,
        field_types: Mapping[str, FieldTypeSpec],
        *,
        formula_checker: FormulaChecker | None = None,
        automation_checker: AutomationChecker | None = None,
        system: Mapping[str, Mapping[str, str]] = SYSTEM,
    ) -> None:
        self.field_types = field_types
        self.formula_checker = formula_checker
        self.automation_checker = automation_checker
        self.system = system
        self._kinds: Mapping[str, Kind] = kinds()
        self._shapes = Shapes(self._kinds, field_types)
        self._nodes = {
            kind: document_node(schema, self._shapes.field_schemas) for kind, schema in self._shapes.schemas.items()
        }
        # One language serves all threads of a server; each keeps the context of its own last check.
        self._last = threading.local()
        self._shapes_found: dict[str, list[Diagnostic]] = {}

    @property
    def system_objects(self) -> frozenset[str]:
        """Names of the objects that always exist."""
        return frozenset(self.system)

    def kinds(self) -> tuple[str, ...]:
        """Return the names of all kinds."""
        return tuple(sorted(self._kinds))

    def kind(self, name: str) -> Kind:
        """Return a kind. Raises ``KeyError`` for an unknown one."""
        return self._kinds[name]

    def schema(self, kind: str) -> Schema:
        """Return the complete JSON Schema of a kind, with the options of all field types."""
        return complete(kind, self.field_types)

    def structure(self, kind: str) -> Node:
        """Return how documents of a kind are taken apart for addressing, comparison and merge."""
        return self._nodes[kind]

    def context(self, snapshot: Snapshot) -> Check:
        """Return what checks may ask about ``snapshot``; the last one is kept."""
        known: Check | None = getattr(self._last, "context", None)
        if known is None or known.snapshot is not snapshot:
            known = self._last.context = self._new_context(snapshot, frozenset())
        return known

    def _new_context(self, snapshot: Snapshot, broken: frozenset[Key]) -> Check:
        relations = Relations(snapshot, self.field_types, self.system)
        return Check(snapshot, self.field_types, relations, self.formula_checker, self.automation_checker, broken)

    def check(
        self, documents: Sequence[object], base: Snapshot | None = None
    ) -> tuple[Snapshot | None, list[Diagnostic]]:
        """Judge ``documents``, added to or replacing those of ``base``, and return the resulting snapshot.

        The snapshot is None when there is an error. Documents of ``base`` count as well-shaped, but their references
        and meaning are judged again, since what they point to may have changed.
        """
        good, stubs, found = self._gather(documents)
        result = (base or EMPTY).with_documents(good)
        judged = result.with_documents(stubs.values())
        self._last.context = self._new_context(judged, frozenset(stubs))
        for key, document in judged.documents.items():
            if key not in stubs:
                found += self._judge(document, judged)
        return (None if _has_error(found) else result), found

    def shape(self, documents: Iterable[object]) -> list[Diagnostic]:
        """Return what is wrong with the shape of documents, each looked at alone; references and meaning are not judged."""
        return [d for i, document in enumerate(documents) for d in _placed(self._shape(document), document, i)]

    def validate(self, snapshot: Snapshot, only: Collection[Key] | None = None) -> list[Diagnostic]:
        """Return what is wrong with the documents of a snapshot, or only with those named by ``only``."""
        shapes = {k: self._known_shape(snapshot.digests[k], d) for k, d in snapshot.documents.items()}
        broken = [k for k, found in shapes.items() if _broken(found)]
        fit = [k for k in broken if k[0] in self._kinds and not _unfit(shapes[k])]
        stubs = {k: stub(dict(snapshot.documents[k]), shapes[k]) for k in fit}
        judged = snapshot.without(broken).with_documents(stubs.values()) if broken else snapshot
        self._last.context = self._new_context(judged, frozenset(stubs))
        found: list[Diagnostic] = []
        for key, document in snapshot.documents.items():
            if only is None or key in only:
                found += _placed(shapes[key], document, 0)
                found += self._judge(document, judged) if key in judged.documents and key not in stubs else []
        return found

    def _gather(self, documents: Iterable[object]) -> tuple[list[Document], dict[Key, Document], list[Diagnostic]]:
        good: list[Document] = []
        stubs: dict[Key, Document] = {}
        found: list[Diagnostic] = []
        seen: set[Key] = set()
        for index, document in enumerate(documents):
            shape = _placed(self._shape(document), document, index)
            found += shape
            key = _key(document)
            if key is not None and key in seen:
                found.append(
                    Diagnostic(
                        "duplicate_document",
                        "/name",
                        f"There is another {key[0]} '{key[1]}' among the documents.",
                        "Keep one of them.",
                        "/".join(key),
                    )
                )
            elif key is not None and not _broken(shape) and isinstance(document, dict):
                good.append(copy.deepcopy(document))
            elif key is not None and key[0] in self._kinds and isinstance(document, dict) and not _unfit(shape):
                stubs[key] = stub(document, shape)
            if key is not None:
                seen.add(key)
        return [d for d in good if (d["kind"], d["name"]) not in stubs], stubs, found

    def _known_shape(self, digest: str, document: Document) -> list[Diagnostic]:
        """Return what is wrong with the shape of a document; documents are judged again and again, so it is kept."""
        if digest not in self._shapes_found:
            if len(self._shapes_found) >= MAX_SHAPES:
                self._shapes_found.clear()
            self._shapes_found[digest] = self._shape(document)
        return self._shapes_found[digest]

    def _shape(self, document: object) -> list[Diagnostic]:
        found = list(values.problems(document))
        if found:
            return found
        if not isinstance(document, dict):
            return [
                Diagnostic(
                    "wrong_type",
                    "",
                    f"Found {values.brief(document)} ({values.json_type(document)}), expected a document (object).",
                )
            ]
        kind = document.get("kind")
        if "kind" not in document:
            return [Diagnostic("missing_key", "", "'kind' is missing.", f"Known kinds: {', '.join(self.kinds())}.")]
        if not isinstance(kind, str) or kind not in self._kinds:
            guess = did_you_mean(kind[:100], self._kinds) if isinstance(kind, str) else ""
            return [
                Diagnostic(
                    "unknown_kind",
                    "/kind",
                    f"Unknown kind {values.brief(kind)}.{guess}",
                    f"Known kinds: {', '.join(self.kinds())}.",
                )
            ]
        found = self._shapes.problems(kind, document)
        return found + list(duplicates.problems(document, self._nodes[kind]))

    def _judge(self, document: Document, snapshot: Snapshot) -> list[Diagnostic]:
        kind = self._kinds[document["kind"]]
        context = self.context(snapshot)
        found = [d for reference in kind.references(document) for d in _unresolved(reference, context)]
        found += _old_names(document, snapshot)
        found += kind.check(document, snapshot, self)
        place = f"{document['kind']}/{document['name']}"
        # Field types may find what the language has found already.
        return list({(d.pointer, d.code): replace(d, document=place) for d in reversed(found)}.values())[::-1]


def _unresolved(reference: Reference, context: Check) -> Iterator[Diagnostic]:
    if reference.kind == "object":
        if reference.field is not None:
            if context.relations.has_object(reference.name):
                end = context.relations.resolve(reference.name, reference.field)
                if isinstance(end, Missing):
                    yield Diagnostic("unknown_field", reference.pointer, end.message)
            return
        known: Iterable[str] = context.relations.objects()
    else:
        known = context.snapshot.of_kind(reference.kind)
    if reference.name not in known:
        yield Diagnostic(
            "unknown_reference",
            reference.pointer,
            f"There is no {reference.kind.replace('_', ' ')} '{reference.name}'.{did_you_mean(reference.name, known)}",
            "Name an existing one, or add its document.",
        )


def _old_names(document: Document, snapshot: Snapshot) -> Iterator[Diagnostic]:
    others = snapshot.of_kind(document["kind"])
    for index, old in enumerate(document.get("was", ())):
        if old in others:
            yield Diagnostic(
                "old_name_in_use",
                f"/was/{index}",
                f"The old name '{old}' is used by another {document['kind']}.",
                "An old name belongs to one document and cannot be given again.",
            )


def _key(document: object) -> Key | None:
    if not isinstance(document, dict):
        return None
    kind, name = document.get("kind"), document.get("name")
    return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def _placed(found: list[Diagnostic], document: object, index: int) -> list[Diagnostic]:
    key = _key(document)
    fit = key is not None and len(key[0]) + len(key[1]) < 200 and (key[0] + key[1]).isprintable()
    place = "/".join(key) if key is not None and fit else f"#{index}"
    return [replace(d, document=place) for d in found]


_UNFIT = frozenset(
    {"too_large", "too_deep", "not_json", "lone_surrogate", "nul_character", "not_finite", "number_too_large"}
)


def _unfit(found: list[Diagnostic]) -> bool:
    return any(d.code in _UNFIT for d in found)


def _broken(found: list[Diagnostic]) -> bool:
    return any(d.code not in ("duplicate_name", "old_name_in_use") for d in found)


def _has_error(found: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in found)
