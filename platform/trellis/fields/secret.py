"""Secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType, InvalidValue
from trellis.fields.common.characters import is_blank, require_text
from trellis.fields.common.columns import SealedText, Secret
from trellis.fields.common.options import integer_option
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

__all__ = ["Secret", "SecretField", "reveal"]

MAX_LENGTH = 10_000


class SecretField(FieldType):
    """A text that is sealed when it is written and never given back: readers learn that it is set, files stay empty.

    The text is kept as it is, to the last space. Messages never quote it. To leave it unchanged, leave the key out.
    """

    name = "secret"
    label = {"en": "Secret", "zh": "密钥"}
    icon = "lock"
    category = "opaque"
    widget = "secret"
    unique_allowed = False
    options = {"max_length": integer_option("Largest number of characters.", 1, MAX_LENGTH, 4000)}

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        high = field.get("max_length", 4000)

        def parse(value: Any) -> Secret | None:
            if isinstance(value, Secret):
                return value
            text = _readable(value, high)
            return None if text is None else Secret(env.seal(text))

        return Codec(
            (Column(SealedText()),),
            parse,
            "opaque",
            to_json=_to_json,
            from_text=parse,
            to_text=_to_text,
            json_schema={
                "type": ["string", "object"],
                "maxLength": high,
                "properties": {"set": {"const": True}},
                "additionalProperties": False,
                "description": 'Written as a text; read as {"set": true}.',
            },
        )

    def check_default(
        self, field: FieldDoc, pointer: str, known: Environment | Snapshot | None
    ) -> Iterable[Diagnostic]:
        if field.get("default") is not None:
            yield Diagnostic(
                "default_not_allowed",
                pointer,
                "A secret has no default: secrets never stand in metadata.",
                "Remove the default.",
            )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset()


def reveal(value: Secret, env: Environment) -> str:
    """Return the text of a secret, for the code that uses it."""
    return env.unseal(value.sealed)


def _readable(value: Any, high: int) -> str | None:
    if not isinstance(value, str):
        raise InvalidValue(
            "wrong_type",
            "Found something else, expected a text. To keep the secret, leave the key out.",
            expected="a text",
        )
    if is_blank(value):
        return None
    if len(value) > high:
        raise InvalidValue(
            "too_long",
            f"Found {len(value)} characters, expected at most {high}.",
            expected=f"at most {high} characters",
        )
    try:
        return require_text(value)
    except InvalidValue:
        raise InvalidValue(
            "bad_characters", "Found control characters, expected a text without them.", expected="a text"
        ) from None


def _to_json(value: Secret) -> dict[str, bool]:
    return {"set": True}


def _to_text(value: Secret) -> str:
    return ""
