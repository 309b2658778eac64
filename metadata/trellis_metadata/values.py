"""JSON values as they come in: what no document may contain, whatever its kind.

Depth, size, NUL, lone surrogates, numbers that other languages cannot read and Python objects that are not JSON are
refused here, by a loop and not by recursion, so that everything behind may recurse, print and encode without care.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from trellis_metadata import pointers
from trellis_metadata.diagnostics import Diagnostic

MAX_DEPTH = 200
MAX_SIZE = 5_000_000
"""Characters of text plus one per value, about what the document takes as a file."""
MAX_NUMBER = 10**39
"""Numbers inside Trellis have 39 digits."""
_NODE_COST = 2


def same(a: object, b: object) -> bool:
    """Say whether two JSON values are equal; unlike ``==`` it tells ``1`` from ``true`` and from ``1.0``."""
    return a is b or json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def brief(value: object, limit: int = 60) -> str:
    """Return a JSON value in at most ``limit`` characters, for messages. ``value`` passed :func:`problems`."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = f"'{_printed(value[: limit + 1])}'" if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _printed(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def json_type(value: object) -> str:
    """Return the name of a JSON value's type in the words of JSON Schema."""
    for kind, name in (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (dict, "object"),
        (list, "array"),
    ):
        if isinstance(value, kind):
            return name
    return "null" if value is None else type(value).__name__


def problems(value: object) -> Iterator[Diagnostic]:
    """Yield what makes ``value`` unfit to be a document. Stops at the first excess of depth or size."""
    stack: list[tuple[object, str, int]] = [(value, "", 1)]
    size = 0
    while stack:
        node, pointer, depth = stack.pop()
        size += _NODE_COST + (len(node) if isinstance(node, str) else 0)
        if size > MAX_SIZE:
            yield Diagnostic(
                "too_large",
                "",
                f"The document is larger than {MAX_SIZE} characters.",
                "Split it, or keep data out of metadata.",
            )
            return
        if depth > MAX_DEPTH:
            yield Diagnostic("too_deep", "", f"The document is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
            return
        yield from _scalar_problems(node, pointer)
        if isinstance(node, dict):
            for key, child in reversed(node.items()):
                if not isinstance(key, str):
                    yield Diagnostic("not_json", pointer, f"A key is a {type(key).__name__}, expected a string.")
                    continue
                size += len(key)
                yield from _text_problems(key, pointer, "A key")
                stack.append((child, pointers.join(_printable(key), at=pointer), depth + 1))
        elif isinstance(node, list):
            stack.extend((node[i], f"{pointer}/{i}", depth + 1) for i in range(len(node) - 1, -1, -1))


def _printable(key: str) -> str:
    return key.encode("utf-8", "replace").decode("utf-8")


def _scalar_problems(node: object, pointer: str) -> Iterator[Diagnostic]:
    if node is None or isinstance(node, bool | dict | list):
        return
    if isinstance(node, str):
        yield from _text_problems(node, pointer, "A text")
    elif isinstance(node, int | float):
        if isinstance(node, float) and not math.isfinite(node):
            yield Diagnostic(
                "not_finite",
                pointer,
                "Found NaN or Infinity, expected a finite number.",
                "JSON knows no such numbers; leave the key out.",
            )
        elif abs(node) >= MAX_NUMBER:
            yield Diagnostic("number_too_large", pointer, "The number has more than 39 digits.")
    else:
        yield Diagnostic("not_json", pointer, f"Found a {type(node).__name__}, expected a JSON value.")


def _text_problems(text: str, pointer: str, what: str) -> Iterator[Diagnostic]:
    if "\0" in text:
        yield Diagnostic("nul_character", pointer, f"{what} contains the character NUL (U+0000).", "Remove it.")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        yield Diagnostic(
            "lone_surrogate",
            pointer,
            f"{what} contains half of a surrogate pair, which is no character.",
            "Write the character itself, or both halves.",
        )
