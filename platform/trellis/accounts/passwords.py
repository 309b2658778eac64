"""Passwords: argon2id, and the rules for choosing one.

The rules follow NIST SP 800-63B (3.1.1.2) and OWASP ASVS 5 (6.2): a least length, no composition rules, any character, no
forced renewal, and a check against what guessers try first: common passwords, words, names, keyboard walks and dates, and
what belongs to the person or the organisation. The check is zxcvbn's estimate (Wheeler, USENIX Security 2016).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from trellis_metadata.errors import TrellisError

MAX_PASSWORD = 200
ESTIMATED = 72
"""So many characters are looked at by the estimate, whose cost grows with the square; more only help."""
LEAST_SCORE = 2
"""zxcvbn's score: from 2 on more than a million guesses are needed, which the pauses after wrong ones keep anybody from."""
OWN = 4
"""Names shorter than this may stand in a password."""


class WeakPassword(TrellisError):
    """The password is too short, holds the person's own name, or is one that guessers try first."""

    code = "weak_password"


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex(8))


def hash_password(password: str, *, least: int = 8, own: Iterable[str | None] = ()) -> str:
    """Return the argon2id hash of a password that keeps the rules. Raises :class:`WeakPassword`.

    ``least`` is the least number of characters; ``own`` are the person's login, name and address and the organisation's name.
    """
    check_password(password, least=least, own=own)
    return _hasher().hash(password)


def hash_code(code: str) -> str:
    """Return the argon2id hash of a code that the server made itself."""
    return _hasher().hash(code)


def check_password(password: str, *, least: int = 8, own: Iterable[str | None] = ()) -> None:
    """Raise :class:`WeakPassword` with the first rule that a password breaks."""
    if len(password) < least:
        raise WeakPassword(f"The password needs at least {least} characters; a few words are easier to remember.")
    if len(password) > MAX_PASSWORD:
        raise WeakPassword(f"The password has more than {MAX_PASSWORD} characters.")
    words = _words(own)
    plain = password.casefold()
    for word in words:
        if len(word) >= OWN and word in plain:
            raise WeakPassword("The password must not hold your name, login or address, nor the organisation's name.")
    if _score(password, words) < LEAST_SCORE:
        raise WeakPassword(
            "This password is among the first that guessers try. Take a few words that do not belong together."
        )


def _words(own: Iterable[str | None]) -> list[str]:
    found: list[str] = []
    for text in own:
        whole = (text or "").casefold().strip()
        name = whole.partition("@")[0]
        found += [w for w in (whole, name, *name.replace(".", " ").replace("_", " ").split()) if w]
    return list(dict.fromkeys(found))


def _score(password: str, words: list[str]) -> int:
    # Loaded only when a password is chosen: its lists of words take a tenth of a second.
    from zxcvbn import zxcvbn

    return int(zxcvbn(password[:ESTIMATED], user_inputs=words)["score"])


def fits(hashed: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed. Costs the same time where there is no hash."""
    whole = len(password) <= MAX_PASSWORD
    try:
        return _hasher().verify(hashed or _nobody(), password[:MAX_PASSWORD]) and hashed is not None and whole
    except (VerificationError, InvalidHashError):
        return False
