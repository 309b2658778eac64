"""A scope over a published Salesforce project: its XML, and the few standard fields that its formulas mention."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from trellis.formula import functions
from trellis_metadata.formula import FunctionSpec, Symbol, Type

SPACE = "{http://soap.sforce.com/2006/04/metadata}"
TYPES = {
    **dict.fromkeys(
        ["Text", "TextArea", "LongTextArea", "Html", "EncryptedText", "Email", "Phone", "Url", "AutoNumber"], Type.TEXT
    ),
    **dict.fromkeys(["Number", "Currency", "Percent", "Summary"], Type.NUMBER),
    **dict.fromkeys(["Lookup", "MasterDetail", "Hierarchy", "MetadataRelationship"], Type.REFERENCE),
    "Checkbox": Type.BOOLEAN,
    "Date": Type.DATE,
    "DateTime": Type.DATETIME,
    "Time": Type.TIME,
    "Picklist": Type.PICKLIST,
    "MultiselectPicklist": Type.MULTIPICKLIST,
    "Location": Type.LOCATION,
}
SYSTEM = {
    "Id": Type.REFERENCE,
    "Name": Type.TEXT,
    "OwnerId": Type.REFERENCE,
    "CreatedDate": Type.DATETIME,
    "CreatedById": Type.REFERENCE,
    "LastModifiedDate": Type.DATETIME,
    "LastModifiedById": Type.REFERENCE,
    "RecordTypeId": Type.REFERENCE,
    "IsDeleted": Type.BOOLEAN,
}
STANDARD = {
    "User": {
        "FirstName": Type.TEXT,
        "LastName": Type.TEXT,
        "Email": Type.TEXT,
        "Department": Type.TEXT,
        "IsActive": Type.BOOLEAN,
        "Title": Type.TEXT,
        "ManagerId": Type.REFERENCE,
        "Username": Type.TEXT,
    },
    "Contact": {
        "FirstName": Type.TEXT,
        "LastName": Type.TEXT,
        "Email": Type.TEXT,
        "Phone": Type.TEXT,
        "AccountId": Type.REFERENCE,
    },
}
TARGETS = {
    "ManagerId": "User",
    "OwnerId": "User",
    "CreatedById": "User",
    "LastModifiedById": "User",
    "AccountId": "Account",
}


@dataclass
class Field:
    """One declared field."""

    name: str
    type: Type
    percent: bool = False
    target: str = ""
    summarised: str = ""


@dataclass
class Project:
    """Objects and their fields, by folded name."""

    objects: dict[str, dict[str, Field]] = field(default_factory=dict)

    def fields(self, name: str) -> dict[str, Field]:
        if name.lower() not in self.objects:
            self.objects[name.lower()] = {
                n.lower(): Field(n, t, target=TARGETS.get(n, ""))
                for n, t in {**SYSTEM, **STANDARD.get(name, {})}.items()
            }
        return self.objects[name.lower()]


@cache
def read_project(folder: Path) -> Project:
    """Read the fields of all objects below ``folder``, in both layouts."""
    project = Project()
    for path in folder.rglob("*.field-meta.xml"):
        _add(project, path.parent.parent.name, ET.parse(path).getroot())
    for path in folder.rglob("*.object"):
        for element in ET.parse(path).getroot().iter(f"{SPACE}fields"):
            _add(project, unquote(path.stem), element)
    for path in folder.rglob("*.object-meta.xml"):
        project.fields(path.name.split(".")[0])
    for _ in range(3):  # a roll-up may be taken of a roll-up
        _settle_rollups(project)
    return project


def _settle_rollups(project: Project) -> None:
    """Give a smallest or largest value the type of the field that it is taken of."""
    for fields in project.objects.values():
        for rollup in fields.values():
            if rollup.summarised:
                object_name, _, name = rollup.summarised.partition(".")
                of = project.fields(object_name).get(name.lower())
                rollup.type = of.type if of else rollup.type


def _add(project: Project, object_name: str, element: ET.Element) -> None:
    name, kind = element.findtext(f"{SPACE}fullName") or "", element.findtext(f"{SPACE}type") or ""
    target = element.findtext(f"{SPACE}referenceTo") or ("User" if kind == "Hierarchy" else "")
    if kind in TYPES:
        smallest = element.findtext(f"{SPACE}summaryOperation") in ("min", "max")
        summarised = element.findtext(f"{SPACE}summarizedField") or "" if smallest else ""
        project.fields(object_name)[name.lower()] = Field(name, TYPES[kind], kind == "Percent", target, summarised)


class ProjectScope:
    """The names that a formula of one object of a project sees."""

    def __init__(self, project: Project, object_name: str) -> None:
        self.project, self.object_name = project, object_name

    @property
    def functions(self) -> Mapping[str, FunctionSpec]:
        return functions()

    def names(self, near: str) -> Iterable[str]:
        return [f.name for f in self.project.fields(self.object_name).values()]

    def resolve(self, name: str) -> Symbol | None:
        steps = name.split(".")
        if name.startswith("$"):
            return self._global(name, steps)
        found = self._walk(self.object_name, steps, name)
        if found is None and len(steps) > 1 and steps[0].lower() in self.project.objects:
            return self._walk(steps[0], steps[1:], name)
        return found

    def _walk(self, object_name: str, steps: list[str], path: str) -> Symbol | None:
        relations: list[str] = []
        for step in steps[:-1]:
            step, _, chosen = step.partition(":")
            lookup = next(
                (
                    self.project.fields(object_name).get(n.lower())
                    for n in _lookups(step)
                    if n.lower() in self.project.fields(object_name)
                ),
                None,
            )
            if lookup is None:
                return None
            object_name = chosen or lookup.target
            relations.append(".".join([*relations[-1:], step]))
        found = self.project.fields(object_name).get(steps[-1].lower())
        return None if found is None else Symbol(path, found.type, found.percent, relations=tuple(relations))

    def _global(self, name: str, steps: list[str]) -> Symbol | None:
        match steps[0].lower():
            case "$user":
                return self._walk("User", steps[1:], name)
            case "$custommetadata" if len(steps) == 4:
                return self._walk(steps[1], steps[3:], name)
            case "$setup" if len(steps) == 3:
                return self._walk(steps[1], steps[2:], name)
            case "$permission":
                return Symbol(name, Type.BOOLEAN)
            case "$label" | "$api" | "$action" | "$profile" | "$userrole" | "$recordtype" | "$organization":
                return Symbol(name, Type.TEXT)
            case _:
                return None


def _lookups(step: str) -> Iterator[str]:
    yield step[:-3] + "__c" if step.lower().endswith("__r") else step + "Id"
