"""The frame around every page: apps, object navigation, setup, commands of the palette, and who is logged in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_babel import gettext as _

from trellis_admin.colors import color_of
from trellis_admin.setup_pages import setup_groups
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Snapshot

DEFAULT_OBJECT_ICON = "box"
_TOPS = ("/", "/setup")
"""Pages whose address begins that of every page below them, which have lines of their own."""


@dataclass(frozen=True)
class Item:
    """One line of the navigation. ``go`` is the letter after ``g`` that leads there; ``glyph`` colours an object's icon."""

    label: str
    url: str
    icon: str
    glyph: str = ""
    go: str = ""

    @property
    def current(self) -> bool:
        """Whether the page on screen belongs to this item."""
        here = request.path
        return here == self.url or (self.url not in _TOPS and here.startswith(f"{self.url}/"))


@dataclass(frozen=True)
class Section:
    """Lines of the navigation under one heading."""

    label: str
    items: Sequence[Item]


@dataclass(frozen=True)
class App:
    """An app: a named choice of objects."""

    name: str
    label: str
    icon: str
    items: Sequence[Item]

    def holds(self, name: str) -> bool:
        """Whether the object ``name`` is in the app."""
        return any(item.url == f"/o/{name}" for item in self.items)


@dataclass(frozen=True)
class Command:
    """One line of the command palette."""

    text: str
    url: str
    icon: str
    group: str
    hint: str = ""
    opens: str = ""


@dataclass(frozen=True)
class Shell:
    """Everything that the frame shows."""

    organisation: str
    person: str
    login: str
    admin: bool
    app: App
    apps: Sequence[App]
    setup: Sequence[Section] = ()
    create: Sequence[Command] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    behind: str = ""
    """Who is logged in as the person."""

    @property
    def home(self) -> Item:
        return Item(_("Home"), "/", "home", go="h")

    @property
    def to_setup(self) -> Item:
        """The way into the setup."""
        return Item(_("Setup"), "/setup", "settings", go="s")

    @property
    def in_setup(self) -> bool:
        """Whether the page on screen belongs to the setup, whose navigation then stands in place of the app's."""
        return bool(self.setup) and (request.path == "/setup" or request.path.startswith("/setup/"))

    @property
    def tabs(self) -> Sequence[Item]:
        """What the bar at the bottom of a phone holds."""
        return (self.home, *self.app.items[:2])

    def commands(self) -> Iterator[Command]:
        """Everything that the palette knows without asking the server."""
        for item in (self.home, *self.app.items):
            yield Command(item.label, item.url, item.icon, _("Go to"), f"g {item.go}" if item.go else "")
        yield from self.create
        if self.setup:
            yield Command(self.to_setup.label, self.to_setup.url, self.to_setup.icon, _("Go to"), "g s")
        for section in self.setup:
            for item in section.items:
                yield Command(item.label, item.url, item.icon, _("Setup"))
        yield Command(_("Recycle bin"), "/bin", "trash", _("Go to"))
        yield Command(_("Keyboard shortcuts"), "#keys", "keyboard", _("Help"), "?", opens="#keys")
        if self.admin:
            yield Command(_("Components of this UI"), "/_ui", "adjustments", _("Help"))


def object_item(document: Mapping[str, Any], language: str, go: str = "") -> Item:
    """Return the navigation item of an object."""
    name = document["name"]
    label = text_of(document.get("plural"), language, text_of(document.get("label"), language, name))
    return Item(label, f"/o/{name}", document.get("icon", DEFAULT_OBJECT_ICON), color_of(name), go)


def apps_of(snapshot: Snapshot, language: str, readable: Sequence[str]) -> list[App]:
    """Return the tenant's apps with the objects that the person may read; without any app one that holds everything."""
    objects = snapshot.of_kind("object")
    found = [
        App(
            doc["name"],
            text_of(doc.get("label"), language, doc["name"]),
            doc.get("icon", "layout-dashboard"),
            _lettered(_items(doc, objects, readable, language)),
        )
        for doc in snapshot.of_kind("app").values()
    ]
    everything = _lettered([object_item(objects[name], language) for name in readable])
    return found or [App("all", _("All objects"), "layout-dashboard", everything)]


def app_for(apps: Sequence[App], chosen: str | None, name: str | None) -> App:
    """Return the app to show around a page about the object ``name`` (none: a page about no object).

    The app that the person chose wins, unless the page's object is in another app only; then the largest app with it.
    """
    fitting = [app for app in apps if name and app.holds(name)] or apps
    return next((app for app in fitting if app.name == chosen), None) or max(fitting, key=lambda app: len(app.items))


def _items(app: Mapping[str, Any], objects: Mapping[str, Any], readable: Sequence[str], language: str) -> list[Item]:
    names = (item if isinstance(item, str) else item.get("object") or item.get("name") for item in app.get("items", ()))
    return [object_item(objects[name], language) for name in names if name in objects and name in readable]


def _lettered(items: Sequence[Item]) -> list[Item]:
    """Give each item the first letter of its API name that is still free after ``g``."""
    used = {"h", "s"}
    made = []
    for item in items:
        letter = next((c for c in item.url.rpartition("/")[2] if c.isalpha() and c not in used), "")
        used.add(letter)
        made.append(Item(item.label, item.url, item.icon, item.glyph, letter))
    return made


def setup_sections() -> list[Section]:
    """Return the navigation of the setup."""
    return [Section(g.label, [Item(p.label, p.url, p.icon) for p in g.pages]) for g in setup_groups()]
