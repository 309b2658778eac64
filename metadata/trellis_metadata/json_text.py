"""Reading JSON text strictly: what ``json`` would swallow or fail at becomes a diagnostic with line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.values import MAX_DEPTH, MAX_SIZE, brief

MAX_BYTES = MAX_SIZE * 4
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')


def read(data: bytes, document: str) -> tuple[Any, list[Diagnostic]]:
    """Return the JSON value in ``data`` and what is wrong; the value is None when it cannot be read.

    ``document`` names the source in the diagnostics. A byte order mark is refused: other tools stumble over it.
    """
    if len(data) > MAX_BYTES:
        return None, [_found("too_large", f"The file has more than {MAX_BYTES} bytes.", document)]
    if data.startswith(b"\xef\xbb\xbf"):
        return None, [
            _found(
                "byte_order_mark", "The file begins with a byte order mark.", document, "Save it as UTF-8 without BOM."
            )
        ]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [
            _found(
                "bad_encoding",
                f"The file is not UTF-8 (line {line}, byte {error.start}).",
                document,
                "Save it as UTF-8.",
            )
        ]
    return _parse(text, document)


def _parse(text: str, document: str) -> tuple[Any, list[Diagnostic]]:
    constants: list[str] = []
    try:
        value = json.loads(text, parse_constant=constants.append)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, [_found("bad_json", f"This is no JSON: {error.msg} ({where}).", document)]
    except RecursionError:
        return None, [
            _found("too_deep", f"The file is nested deeper than {MAX_DEPTH} levels.", document, "Flatten it.")
        ]
    except ValueError:
        return None, [_found("number_too_large", "A number has more than 39 digits.", document)]
    if constants:
        return None, [_found("not_finite", f"Found {constants[0]}, expected a finite number.", document)]
    return value, list(_duplicate_keys(text, document))


def _duplicate_keys(text: str, document: str) -> Iterator[Diagnostic]:
    """Yield keys that stand twice in one object. ``text`` is JSON, so that brackets and strings are all to look at."""
    stack: list[set[str] | None] = []
    last: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "{[":
            stack.append(set() if sign == "{" else None)
        elif sign in "}]":
            stack.pop()
        elif sign == ":" and last is not None and stack and (keys := stack[-1]) is not None:
            key = json.loads(last[0])
            if key in keys:
                line = text.count("\n", 0, last.start()) + 1
                yield _found(
                    "duplicate_key",
                    f"The key {brief(key)} stands twice in one object (line {line}).",
                    document,
                    "Remove one of them.",
                )
            keys.add(key)
        last = token


def _found(code: str, message: str, document: str, remedy: str = "") -> Diagnostic:
    return Diagnostic(code, "", message, remedy, document)
