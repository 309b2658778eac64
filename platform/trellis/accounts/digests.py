"""Digests of keys that we gave out: who reads the database cannot use them."""

from __future__ import annotations

import hashlib


def digest(key: str) -> str:
    """Return the SHA-256 of a key of at least 128 random bits (shorter secrets need a slow hash instead)."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def public_id(stored: str) -> str:
    """Return the part of a digest by which lists name a session or token."""
    return stored[:16]
