"""Operations: typed changes of metadata.

An operation is a value: it describes itself in one line, says how dangerous it is, applies to a snapshot without
touching it, and reverses. It is strict: where the snapshot is not what the operation was made for, it raises and
changes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from trellis_metadata import danger, words
from trellis_metadata.addresses import ABSENT, NoSuchPart, Path, changed, find, position
from trellis_metadata.danger import Danger
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Document, Key, Snapshot
from trellis_metadata.values import same


class CannotApply(TrellisError):
    """The snapshot is not the one for which the operation was made."""

    code = "cannot_apply"


class UnknownOperation(TrellisError):
    """JSON that should be an operation is none."""

    code = "unknown_operation"


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of the document ``kind``/``name``, or of what stands at ``path`` inside it."""

    op: ClassVar[str] = ""
    kind: str
    name: str

    @property
    def key(self) -> Key:
        """The document that changes."""
        return self.kind, self.name

    @property
    def danger(self) -> Danger:
        """How dangerous the change is for records."""
        return Danger.SAFE

    def describe(self, language: str = "en") -> str:
        """Say in one line what the operation does; ``language`` is ``en`` or ``zh``."""
        raise NotImplementedError

    def apply(self, snapshot: Snapshot) -> Snapshot:
        """Return the changed snapshot. Raises :class:`CannotApply` if ``snapshot`` does not fit."""
        raise NotImplementedError

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        """Return the operation that leads back to ``snapshot_before``."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return the operation as a JSON value, from which :func:`from_json` makes it again."""
        return {"op": self.op, "kind": self.kind, "name": self.name}

    def _document(self, snapshot: Snapshot) -> Document:
        document = snapshot.get(self.kind, self.name)
        if document is None:
            raise CannotApply(f"There is no {self.kind} '{self.name}'.", operation=self.describe())
        return document

    def _changed(self, snapshot: Snapshot, path: Path, change: Callable[[Any], Any]) -> Snapshot:
        try:
            document = changed(self._document(snapshot), path, change)
        except NoSuchPart as error:
            raise CannotApply(f"{error.message} ({self.describe()})", operation=self.describe()) from error
        return snapshot.with_documents([document])

    def _refuse(self, reason: str) -> CannotApply:
        return CannotApply(f"{reason} ({self.describe()})", operation=self.describe())


@dataclass(frozen=True, slots=True)
class AddDocument(Operation):
    """Add a document."""

    op: ClassVar[str] = "add_document"
    document: Document

    def describe(self, language: str = "en") -> str:
        what = words.place(self.kind, self.name, (), language)
        return f"添加{what}" if language == "zh" else f"Add {what}"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        if snapshot.get(self.kind, self.name) is not None:
            raise self._refuse("The document exists.")
        return snapshot.with_documents([self.document])

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        return RemoveDocument(self.kind, self.name)

    def to_json(self) -> dict[str, Any]:
        return {"op": self.op, "kind": self.kind, "name": self.name, "document": copy.deepcopy(dict(self.document))}


@dataclass(frozen=True, slots=True)
class RemoveDocument(Operation):
    """Remove a document."""

    op: ClassVar[str] = "remove_document"

    @property
    def danger(self) -> Danger:
        return danger.of_document(self.kind, removed=True)

    def describe(self, language: str = "en") -> str:
        what = words.place(self.kind, self.name, (), language)
        return f"删除{what}" if language == "zh" else f"Remove {what}"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        self._document(snapshot)
        return snapshot.without([self.key])

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        return AddDocument(self.kind, self.name, self._document(snapshot_before))


@dataclass(frozen=True, slots=True)
class AddElement(Operation):
    """Add ``value`` to a named list at ``position``. ``path`` ends with its name; a missing list is begun."""

    op: ClassVar[str] = "add_element"
    path: Path
    value: Mapping[str, Any]
    position: int

    @property
    def danger(self) -> Danger:
        return danger.of_element(self.path, self.value, removed=False)

    def describe(self, language: str = "en") -> str:
        noun, owner = words.element_noun(self.kind, self.path[-2], language), self.path[:-2]
        type_ = self.value.get("type") if self.path[-2] == "fields" else None
        if language == "zh":
            what = f"{noun}“{self.path[-1]}”" + (f"（{type_}）" if type_ else "")
            return f"向{words.place(self.kind, self.name, owner, 'zh')}添加{what}"
        what = f"{noun} '{self.path[-1]}'" + (f" ({type_})" if type_ else "")
        return f"Add {what} to {words.place(self.kind, self.name, owner, 'en')}"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        return self._changed(snapshot, self.path[:-1], self._with_value)

    def _with_value(self, elements: Any) -> list[Any]:
        known = [] if elements is ABSENT else elements
        if not isinstance(known, list) or find(known, self.path[-1:]) is not ABSENT:
            raise self._refuse("The element exists, or its place is no list.")
        return [*known[: self.position], self.value, *known[self.position :]]

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        begun = find(self._document(snapshot_before), self.path[:-1]) is ABSENT
        return RemoveElement(self.kind, self.name, self.path, begun)

    def to_json(self) -> dict[str, Any]:
        return {
            "op": self.op,
            "kind": self.kind,
            "name": self.name,
            "path": list(self.path),
            "value": copy.deepcopy(dict(self.value)),
            "position": self.position,
        }


@dataclass(frozen=True, slots=True)
class RemoveElement(Operation):
    """Remove an element of a named list; with ``end_list`` the list itself goes with its last element."""

    op: ClassVar[str] = "remove_element"
    path: Path
    end_list: bool = False

    @property
    def danger(self) -> Danger:
        return danger.of_element(self.path, None, removed=True)

    def describe(self, language: str = "en") -> str:
        noun, owner = words.element_noun(self.kind, self.path[-2], language), self.path[:-2]
        if language == "zh":
            return f"从{words.place(self.kind, self.name, owner, 'zh')}删除{noun}“{self.path[-1]}”"
        return f"Remove {noun} '{self.path[-1]}' from {words.place(self.kind, self.name, owner, 'en')}"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        return self._changed(snapshot, self.path[:-1], self._without_element)

    def _without_element(self, elements: Any) -> Any:
        if not isinstance(elements, list):
            raise self._refuse("The list does not exist.")
        index = position(elements, self.path[-1])
        rest = [*elements[:index], *elements[index + 1 :]]
        return ABSENT if self.end_list and not rest else rest

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        elements = find(self._document(snapshot_before), self.path[:-1])
        if not isinstance(elements, list):
            raise self._refuse("The list does not exist.")
        index = position(elements, self.path[-1])
        return AddElement(self.kind, self.name, self.path, elements[index], index)

    def to_json(self) -> dict[str, Any]:
        return {"op": self.op, "kind": self.kind, "name": self.name, "path": list(self.path), "end_list": self.end_list}


@dataclass(frozen=True, slots=True)
class ChangeElement(Operation):
    """Change the value of one key from ``before`` to ``after``; either may be ABSENT (the key is added or removed)."""

    op: ClassVar[str] = "change_element"
    path: Path
    before: Any
    after: Any

    @property
    def danger(self) -> Danger:
        return danger.of_change(self.kind, self.path, self.before, self.after)

    def describe(self, language: str = "en") -> str:
        owner, key = words.split(self.path)
        where = words.place(self.kind, self.name, owner, language)
        before, after = words.shown(self.before, language), words.shown(self.after, language)
        if language == "zh":
            return f"将{where}的 {key} 由 {before} 改为 {after}"
        return f"Change {key} of {where} from {before} to {after}"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        return self._changed(snapshot, self.path, self._replace)

    def _replace(self, value: Any) -> Any:
        missing = (value is ABSENT, self.before is ABSENT)
        if missing[0] != missing[1] or (not missing[0] and not same(value, self.before)):
            raise self._refuse(f"Found {words.shown(value, 'en')}.")
        return self.after

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        return ChangeElement(self.kind, self.name, self.path, self.after, self.before)

    def to_json(self) -> dict[str, Any]:
        values = {
            key: copy.deepcopy(value)
            for key, value in (("before", self.before), ("after", self.after))
            if value is not ABSENT
        }
        return {"op": self.op, "kind": self.kind, "name": self.name, "path": list(self.path), **values}


@dataclass(frozen=True, slots=True)
class RenameElement(Operation):
    """Give an element, or with an empty ``path`` the document, the name ``to``. Stored data stays attached.

    ``was`` is the list of old names that the element has afterwards (None: no such key), so that the inverse restores
    it.
    """

    op: ClassVar[str] = "rename_element"
    path: Path
    to: str
    was: tuple[str, ...] | None = None

    @property
    def old(self) -> str:
        """The name before."""
        return self.path[-1] if self.path else self.name

    def describe(self, language: str = "en") -> str:
        what = words.place(self.kind, self.name, self.path, language)
        return f"将{what}重命名为“{self.to}”" if language == "zh" else f"Rename {what} to '{self.to}'"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        document = self._document(snapshot)
        if self.path:
            if find(document, (*self.path[:-1], self.to)) is not ABSENT:
                raise self._refuse(f"The name '{self.to}' is taken.")
            return self._changed(snapshot, self.path, self._renamed)
        if snapshot.get(self.kind, self.to) is not None:
            raise self._refuse(f"The name '{self.to}' is taken.")
        return snapshot.without([self.key]).with_documents([self._renamed(document)])

    def _renamed(self, element: Any) -> Any:
        renamed = {**element, "name": self.to}
        if self.was is None:
            renamed.pop("was", None)
        else:
            renamed["was"] = list(self.was)
        return renamed

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        element = find(self._document(snapshot_before), self.path)
        if element is ABSENT:
            raise self._refuse("The element does not exist.")
        was = tuple(element["was"]) if "was" in element else None
        name = self.name if self.path else self.to
        return RenameElement(self.kind, name, (*self.path[:-1], self.to) if self.path else (), self.old, was)

    def to_json(self) -> dict[str, Any]:
        was = {} if self.was is None else {"was": list(self.was)}
        return {"op": self.op, "kind": self.kind, "name": self.name, "path": list(self.path), "to": self.to, **was}


@dataclass(frozen=True, slots=True)
class ReorderElements(Operation):
    """Put the elements of the named list at ``path`` into ``order``, which names each of them once."""

    op: ClassVar[str] = "reorder_elements"
    path: Path
    order: tuple[str, ...]

    def describe(self, language: str = "en") -> str:
        owner, noun = self.path[:-1], words.element_noun(self.kind, self.path[-1], language)
        where = words.place(self.kind, self.name, owner, language)
        names = words.shown(list(self.order), language)
        return f"将{where}的{noun}排序为 {names}" if language == "zh" else f"Order each {noun} of {where} as {names}"

    def apply(self, snapshot: Snapshot) -> Snapshot:
        return self._changed(snapshot, self.path, self._ordered)

    def _ordered(self, elements: Any) -> list[Any]:
        if not isinstance(elements, list) or sorted(_names(elements)) != sorted(self.order):
            raise self._refuse("The list has other elements.")
        by_name = {element["name"]: element for element in elements}
        return [by_name[name] for name in self.order]

    def inverse(self, snapshot_before: Snapshot) -> Operation:
        elements = find(self._document(snapshot_before), self.path)
        return ReorderElements(self.kind, self.name, self.path, tuple(_names(elements)))

    def to_json(self) -> dict[str, Any]:
        return {"op": self.op, "kind": self.kind, "name": self.name, "path": list(self.path), "order": list(self.order)}


def _names(elements: list[Any]) -> list[str]:
    return [element["name"] for element in elements]


def from_json(value: Mapping[str, Any]) -> Operation:
    """Return the operation that ``to_json`` wrote. Raises :class:`UnknownOperation` for anything else."""
    try:
        return _READERS[value["op"]](value)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnknownOperation(f"This is no operation: {str(value)[:200]}") from error


def _path(value: Mapping[str, Any]) -> Path:
    path = tuple(value["path"])
    if not all(isinstance(part, str) for part in path):
        raise ValueError("a path consists of names")
    return path


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Operation]] = {
    "add_document": lambda v: AddDocument(v["kind"], v["name"], v["document"]),
    "remove_document": lambda v: RemoveDocument(v["kind"], v["name"]),
    "add_element": lambda v: AddElement(v["kind"], v["name"], _path(v), v["value"], v["position"]),
    "remove_element": lambda v: RemoveElement(v["kind"], v["name"], _path(v), v.get("end_list", False)),
    "change_element": lambda v: ChangeElement(
        v["kind"], v["name"], _path(v), v.get("before", ABSENT), v.get("after", ABSENT)
    ),
    "rename_element": lambda v: RenameElement(
        v["kind"], v["name"], _path(v), v["to"], tuple(v["was"]) if "was" in v else None
    ),
    "reorder_elements": lambda v: ReorderElements(v["kind"], v["name"], _path(v), tuple(v["order"])),
}
