"""Signatures of packs: Ed25519 over the manifest, and the list of keys whose signature an organisation trusts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from trellis_metadata.errors import TrellisError


class BadSignature(TrellisError):
    """The pack is not signed, wrongly signed, or signed by somebody that is not trusted."""

    code = "bad_signature"


class BadKey(TrellisError):
    """The key is none, or the file exists already."""

    code = "bad_key"


@dataclass(frozen=True)
class Signature:
    """A signature of a manifest: public key and signature as hexadecimal digits."""

    key: str
    signature: str

    @classmethod
    def read(cls, data: bytes) -> Signature:
        """Read a signature. Raises :class:`BadSignature`."""
        try:
            found = json.loads(data)
            return cls(str(found["key"]), str(found["signature"]))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise BadSignature("The signature cannot be read.") from error

    def to_json(self) -> dict[str, str]:
        """Return the signature as it is written."""
        return {"algorithm": "ed25519", "key": self.key, "signature": self.signature}

    def holds(self, data: bytes) -> bool:
        """Say whether this is the signature of ``data`` by its key."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), data)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class TrustList:
    """Public keys by the name of their owner. ``required``: packs that none of them signed are refused."""

    keys: Mapping[str, str] = field(default_factory=dict)
    required: bool = True

    @classmethod
    def read(cls, file: Path) -> TrustList:
        """Read the list of a home folder; without a file nobody is trusted and a signature is required."""
        if not file.is_file():
            return cls()
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(found.get("keys", {}), found.get("required", True))

    def write(self, file: Path) -> None:
        """Write the list."""
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        part.write_text(json.dumps({"required": self.required, "keys": dict(self.keys)}, indent=2), encoding="utf-8")
        part.replace(file)

    def with_key(self, owner: str, key: str) -> TrustList:
        """Return the list with another key. Raises :class:`BadKey`."""
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        except ValueError as error:
            raise BadKey("A public key is 64 hexadecimal digits.") from error
        return TrustList({**self.keys, owner: key.lower()}, self.required)

    def check(self, data: bytes, signature: Signature | None) -> str:
        """Return who signed ``data``, or a blank text. Raises :class:`BadSignature`; a wrong signature never passes."""
        if signature is not None and not signature.holds(data):
            raise BadSignature("The signature does not belong to this pack: it was changed after it was signed.")
        owner = next((o for o, k in self.keys.items() if signature is not None and k == signature.key.lower()), "")
        if not owner and self.required:
            by = f"signed with the key {signature.key[:16]}…, which nobody vouched for" if signature else "not signed"
            raise BadSignature(f"The pack is {by}. Add the vendor's key to the trust list first.")
        return owner


def new_key(file: Path) -> str:
    """Write a new private key, readable by its owner only, and return the public one. Raises :class:`BadKey`."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(pem)
    except FileExistsError as error:
        raise BadKey(f"'{file}' exists. A key is never replaced by accident.") from error
    return public_key(key)


def load_key(file: Path) -> Ed25519PrivateKey:
    """Read a private key. Raises :class:`BadKey`."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise BadKey(f"'{file}' holds no private key.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"'{file}' is no Ed25519 key.")
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    """Return the public key as hexadecimal digits."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def sign(data: bytes, key: Ed25519PrivateKey) -> Signature:
    """Return the signature of ``data``."""
    return Signature(public_key(key), key.sign(data).hex())
