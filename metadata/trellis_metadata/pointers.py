"""JSON pointers (RFC 6901): how a diagnostic says where in a document something stands."""

from __future__ import annotations


def escape(part: object) -> str:
    """Return one reference token: ``~`` and ``/`` are written ``~0`` and ``~1``."""
    return str(part).replace("~", "~0").replace("/", "~1")


def join(*parts: object, at: str = "") -> str:
    """Return the pointer ``at`` followed by ``parts`` (keys or list indexes); the empty text is the whole document."""
    return at + "".join(f"/{escape(part)}" for part in parts)
