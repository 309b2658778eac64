"""Connections: other systems that are called over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kind import Kind
from trellis_metadata.labels import Label
from trellis_metadata.markup import words
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.language import Language

OWN_HEADERS = words(
    "host content-length content-type connection transfer-encoding trellis-delivery trellis-timestamp trellis-signature "
    "trellis-event user-agent"
)
"""Headers that a request has anyway, in lower case."""


@dataclass(frozen=True, slots=True)
class ConnectionDef:
    """A connection. ``headers`` hold either a ``value`` or the name of a ``secret``, with a ``prefix``."""

    name: str
    label: Label
    url: str
    headers: tuple[Mapping[str, str], ...]
    signing_secret: str | None
    timeout_s: float
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the connection was read."""
        return dict(self.document)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that the connection needs."""
        named = [h["secret"] for h in self.headers if "secret" in h]
        return tuple(dict.fromkeys([*named, *([self.signing_secret] if self.signing_secret else [])]))


class ConnectionKind(Kind):
    """The kind ``connection``."""

    name = "connection"
    folder = "connections"
    label = {"en": "connection", "zh": "连接"}

    def read(self, document: Document) -> ConnectionDef:
        return ConnectionDef(
            document["name"],
            document.get("label", document["name"]),
            document["url"],
            tuple(document.get("headers", ())),
            document.get("signing_secret"),
            float(document.get("timeout_s", 10)),
            document,
        )

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        seen: set[str] = set()
        for index, entry in enumerate(document.get("headers", ())):
            at, name = f"/headers/{index}", entry["header"].lower()
            if name in OWN_HEADERS:
                yield Diagnostic(
                    "own_header", f"{at}/header", f"The header '{entry['header']}' is set by Trellis.", "Remove it."
                )
            if name in seen:
                yield Diagnostic(
                    "same_header", f"{at}/header", f"The header '{entry['header']}' stands twice.", "Remove one."
                )
            seen.add(name)
            if ("value" in entry) == ("secret" in entry):
                yield Diagnostic(
                    "header_value", at, "A header has either a 'value' or a 'secret'.", "Give one of them."
                )
            if "prefix" in entry and "secret" not in entry:
                yield Diagnostic(
                    "header_value", f"{at}/prefix", "Only a secret has a 'prefix'.", "Write it into the value."
                )


KIND = ConnectionKind()
