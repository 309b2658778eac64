"""The scripts of a model, by what they wait for; built once per version of the metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trellis.model import Model
from trellis_metadata.kinds.script import KIND, ScriptDef

_KEY = "trellis_plugins.scripts"


@dataclass(frozen=True, slots=True)
class Script:
    """A script with the digests of its source and of the rights that it asks for (None: it asks for none)."""

    definition: ScriptDef
    digest: str
    asks: str | None

    @property
    def name(self) -> str:
        """The API name."""
        return self.definition.name

    @property
    def pack(self) -> str:
        """The pack, or ``local``."""
        return self.definition.pack


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``hooks`` by object and event, in the order in which they run; ``endpoints`` by pack and path."""

    scripts: Mapping[str, Script]
    hooks: Mapping[tuple[str, str], tuple[Script, ...]]
    endpoints: Mapping[tuple[str, str], Script]

    def waits_for(self, object_name: str, *events: str) -> bool:
        """Say whether any script waits for one of ``events`` of the object."""
        return any((object_name, event) in self.hooks for event in events)


def read_script(document: Mapping[str, Any]) -> Script:
    """Return a script from its document."""
    found = KIND.read(document)
    asked = sorted((name, sorted(verbs)) for name, verbs in found.rights.items())
    asks = hashlib.sha256(json.dumps([found.pack, asked]).encode()).hexdigest() if asked else None
    return Script(found, hashlib.sha256(found.source.encode()).hexdigest(), asks)


def catalogue_of(model: Model) -> Catalogue:
    """Return the scripts of a model. Those that are not active are known by name only."""
    found: Catalogue | None = model.__dict__.get(_KEY)
    if found is None:
        scripts = {name: read_script(doc) for name, doc in model.snapshot.of_kind("script").items()}
        hooks: dict[tuple[str, str], list[Script]] = {}
        endpoints: dict[tuple[str, str], Script] = {}
        for script in sorted(scripts.values(), key=lambda s: (s.definition.order, s.name)):
            if not script.definition.active:
                continue
            if script.definition.path is not None:
                endpoints[script.pack, script.definition.path] = script
            for event in script.definition.events:
                hooks.setdefault((script.definition.object or "", event), []).append(script)
        found = Catalogue(scripts, {k: tuple(v) for k, v in hooks.items()}, endpoints)
        model.__dict__[_KEY] = found
    return found
