"""Record ids: a tenant-wide 64-bit number inside, ``deal_3k9f…`` outside.

The text form is the object's API name, ``_``, the number in Crockford's base 32 (lower case, no i, l, o, u) and one check
character: the sum of digits weighted by position, modulo 31. It catches every single wrong character and every swap of neighbours, but for 0 and z in each other's place.
"""

from __future__ import annotations

from collections.abc import Sequence

from trellis_metadata.errors import TrellisError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {c: i for i, c in enumerate(_ALPHABET)}
MAX_ID = 2**63 - 1


class BadRecordId(TrellisError):
    """A record id is malformed, has a wrong check character, or belongs to another object."""

    code = "bad_reference"


def _check(digits: Sequence[int]) -> int:
    return sum((position % 29 + 2) * digit for position, digit in enumerate(reversed(digits))) % 31


def format_id(object_name: str, number: int) -> str:
    """Write ``number`` as the external id of a record of ``object_name``."""
    code, total, weight = "", 0, 2
    while True:
        digit = number & 31
        code = _ALPHABET[digit] + code
        total += weight * digit
        weight = weight + 1 if weight < 30 else 2
        number >>= 5
        if not number:
            return f"{object_name}_{code}{_ALPHABET[total % 31]}"


def parse_id(text: object, objects: Sequence[str]) -> tuple[str, int]:
    """Read an external id; return object name and number.

    Raises :class:`BadRecordId` if it is malformed, mistyped, or not of one of ``objects``.
    """
    if not isinstance(text, str) or len(text) > 80:
        raise BadRecordId(
            f"Expected a record id such as {objects[0] if objects else 'deal'}_1k8, found {str(text)[:80]!r}."
        )
    name, _, code = text.rpartition("_")
    digits = [_VALUE.get(c, -1) for c in code]
    if not name or len(digits) < 2 or len(digits) > 14 or -1 in digits:
        raise BadRecordId(
            f"'{text}' is not a record id. Expected {' or '.join(objects) or 'an object'} followed by '_' and a code."
        )
    if objects and name not in objects:
        raise BadRecordId(f"'{text}' is an id of '{name}'; expected one of {', '.join(objects)}.")
    if _check(digits[:-1]) != digits[-1]:
        raise BadRecordId(f"'{text}' has a wrong check character: it was mistyped or cut off.")
    number = 0
    for digit in digits[:-1]:
        number = number * 32 + digit
    if number > MAX_ID:
        raise BadRecordId(f"'{text}' is not a record id: the number is too large.")
    return name, number
