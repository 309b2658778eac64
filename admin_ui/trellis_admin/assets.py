"""Built front-end files: their hashed names, the icon sprite, and how they are served.

A file's name contains its content's hash, so it is served as immutable for a year, compressed at build time.
"""

from __future__ import annotations

import json
import mimetypes
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Response, abort, request, send_from_directory
from markupsafe import Markup

DIST = Path(__file__).parent / "static" / "dist"
URL = "/static/dist"
FALLBACK_ICON = "box"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True)
class Manifest:
    """What one build wrote. ``stamp`` tells it from the manifest of another build; without a build it is empty."""

    files: Mapping[str, str]
    icons: frozenset[str]
    stamp: tuple[int, int] = (0, 0)


class Assets:
    """The files of the newest build. Empty when the front end was left out of the installation."""

    def __init__(self, folder: Path = DIST) -> None:
        self._path = folder / "manifest.json"
        self._lock = threading.Lock()
        self._manifest = Manifest({}, frozenset())
        self.refresh()

    def refresh(self) -> None:
        """Read the manifest if it changed. While a build replaces it, what was read last stays valid."""
        try:
            # INVARIANT: a manifest never changes and is replaced as a whole, so readers need no lock.
            if self._stamp() == self._manifest.stamp:
                return
            with self._lock:
                stamp = self._stamp()
                if stamp != self._manifest.stamp:
                    read = json.loads(self._path.read_text(encoding="utf-8"))
                    self._manifest = Manifest(read["files"], frozenset(read["icons"]), stamp)
        except (FileNotFoundError, ValueError):
            return

    def _stamp(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size

    @property
    def files(self) -> Mapping[str, str]:
        return self._manifest.files

    @property
    def icons(self) -> frozenset[str]:
        return self._manifest.icons

    @property
    def built(self) -> bool:
        return bool(self.files)

    def url(self, name: str) -> str:
        """Return the address of a built file such as ``app.js``; empty when it was not built."""
        file = self.files.get(name)
        return f"{URL}/{file}" if file else ""

    def icon(self, name: str | None, extra: str = "") -> Markup:
        """Return an icon of the sprite as SVG; a name that the sprite lacks (metadata may ask for any) gives a plain box."""
        known = name if name in self.icons else FALLBACK_ICON
        return Markup('<svg class="t-icon {}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
            extra, self.url("icons.svg"), known
        )


def serve(name: str) -> Response:
    """Answer with a built file, in the best encoding that the client takes and the build made."""
    if name.endswith((".br", ".gz")) or name == "manifest.json":
        abort(404)
    encoding, suffix = next(
        ((e, s) for e, s in _ENCODINGS if e in request.accept_encodings and (DIST / f"{name}{s}").is_file()), ("", "")
    )
    response = send_from_directory(DIST, f"{name}{suffix}", mimetype=_mimetype(name))
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _mimetype(name: str) -> str:
    if name.endswith(".js"):
        return "text/javascript"
    return "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0] or "application/octet-stream"
