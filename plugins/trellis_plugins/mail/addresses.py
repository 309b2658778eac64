"""Mail addresses: what is none is refused by name before a server is asked."""

from __future__ import annotations

import re

# RFC 5321 without quoted local parts and address literals; RFC 6531 lets letters of every script in.
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


def problem_of(address: str) -> str | None:
    """Return why a text is no mail address, None when it is one."""
    local, at, domain = address.rpartition("@")
    if not at:
        return f"'{address[:100]}' has no '@'."
    if not _LOCAL.match(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return f"'{address[:100]}' has a wrong part before the '@'."
    name = ascii_domain(domain)
    labels = name.split(".") if name else []
    if len(labels) < 2 or len(name or "") > 253 or not all(_LABEL.match(label) for label in labels):
        return f"'{address[:100]}' has no domain after the '@'."
    return None


def ascii_domain(domain: str) -> str | None:
    """Return a domain as it stands in DNS, in lower case; None when it is none."""
    try:
        return (domain if domain.isascii() else domain.encode("idna").decode()).lower()
    except UnicodeError:
        return None


def on_the_wire(address: str) -> str:
    """Return an address with its domain in ASCII."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"
