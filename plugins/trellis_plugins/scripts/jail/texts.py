"""Making text: ``str``, ``repr``, f-strings, ``format``, ``%`` and ``strftime``, each measured before it is done."""

from __future__ import annotations

import re
from _string import formatter_parser
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from trellis_plugins.scripts.jail import limits
from trellis_plugins.scripts.jail.sizes import SEQUENCES, Sizes, kind_name

_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?(\d{0,4})[,_]?(?:\.(\d{1,4}))?[bcdeEfFgGosxX%]?", re.DOTALL)
_PERCENT = re.compile(r"%(?:\((\w{0,60})\))?[-+ #0]*(\d{0,5})(?:\.(\d{0,5}))?([diouxXeEfFgGcrsa%])")
_DATE = re.compile(r"(?:[^%]|%-?[aAbBdHIjmMpSUwWyYfzZGuVxXcDFT%])*")
_SMALL = 1 << 60
_PLAIN_FIELD = re.compile(r"(?!_)\w{0,60}")
_EXACT = SEQUENCES | {dict, bytes, bool, float, Decimal, date, datetime, time, timedelta, timezone, range, type(None)}


class Texts:
    """Text of values for one run."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    def text(self, value: Any) -> str:
        """Return ``str(value)``."""
        kind = type(value)
        if kind is str:
            return value  # type: ignore[no-any-return]
        if kind is int or kind in _EXACT:
            return self._converted(value, str)
        if isinstance(value, Exception):
            args = value.args
            if isinstance(value, KeyError) and len(args) == 1:
                return self.represent(args[0])
            return self.text(args[0]) if len(args) == 1 else self.represent(args) if args else ""
        described = getattr(type(value), "script_text", None)
        return described(value) if described else f"<{kind_name(value)}>"  # type: ignore[no-any-return]

    def represent(self, value: Any) -> str:
        """Return ``repr(value)``."""
        if type(value) is str or type(value) is int or type(value) in _EXACT:
            return self._converted(value, repr)
        if isinstance(value, Exception):
            return f"{type(value).__name__}({', '.join(self.represent(a) for a in value.args[:10])})"
        return self.text(value)

    def _converted(self, value: Any, convert: Any) -> str:
        self.sizes.measure(value)
        if type(value) in SEQUENCES or type(value) is dict:
            # A function or another value of ours inside would show an address.
            return self._nested(value, 0)
        made: str = convert(value)
        return made

    def _nested(self, value: Any, depth: int) -> str:
        kind = type(value)
        self.sizes.budget.tick()
        if depth > 50:
            raise ValueError("the value is nested more than 50 deep")
        if kind is dict:
            pairs = (f"{self._nested(k, depth + 1)}: {self._nested(v, depth + 1)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        if kind in SEQUENCES:
            inner = ", ".join([self._nested(v, depth + 1) for v in value])
            if kind is list:
                return f"[{inner}]"
            if kind is tuple:
                return f"({inner},)" if len(value) == 1 else f"({inner})"
            inner = "{" + inner + "}" if value else ""
            return (inner or "set()") if kind is set else f"frozenset({inner})"
        return self.represent(value) if kind is not str else repr(value)

    # -- format ----------------------------------------------------------------------------------------------------

    def joined(self, *parts: Any) -> str:
        """Return the text of an f-string. A part is a text or (value, conversion, spec)."""
        made: list[str] = []
        for part in parts:
            if type(part) is str:
                made.append(part)
                continue
            value, conversion, spec = part
            if conversion == -1 and not spec:
                kind = type(value)
                if kind is str:
                    made.append(value)
                    continue
                if kind is int and -_SMALL < value < _SMALL:
                    made.append(str(value))
                    continue
            if conversion == 114:
                value = self.represent(value)
            elif conversion == 97:
                value = ascii(self.represent(value))[1:-1]
            elif conversion == 115:
                value = self.text(value)
            made.append(self.formatted(value, spec) if spec else self.text(value))
        text = "".join(made)
        if len(text) > 64:
            self.sizes.text(len(text))
        return text

    def formatted(self, value: Any, spec: str = "") -> str:
        """Return ``format(value, spec)``."""
        if type(spec) is not str:
            raise TypeError("a format specification is a text")
        kind = type(value)
        if not spec:
            return self.text(value)
        if kind in (date, datetime, time):
            return self.date_text(value, spec)
        if kind not in (str, int, float, Decimal, bool):
            raise TypeError(f"a value of type '{kind_name(value)}' takes no format specification")
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise ValueError(f"the format specification '{spec[:40]}' is not one that scripts may use")
        if int(match[1] or 0) > limits.FORMAT_WIDTH or int(match[2] or 0) > 100:
            self.sizes.text(limits.TEXT_LENGTH + 1)
        if kind is Decimal and value.is_finite() and abs(value.adjusted()) > 5_000:
            raise ValueError("the number is too large for a format specification")
        self.sizes.text(limits.FORMAT_WIDTH if kind is not str else len(value) + int(match[1] or 0))
        return format(value, spec)

    def date_text(self, value: Any, pattern: str) -> str:
        """Return ``value.strftime(pattern)``."""
        if type(pattern) is not str or len(pattern) > 200 or _DATE.fullmatch(pattern) is None:
            raise ValueError("the date format is too long or holds a directive that scripts may not use")
        made: str = value.strftime(pattern)
        return made

    def format(self, template: str, args: tuple[Any, ...], values: Mapping[str, Any]) -> str:
        """Return ``template.format(*args, **values)``. Fields are plain names or numbers: nothing is looked into."""
        made, auto = [], 0
        for literal, field, spec, conversion in formatter_parser(template):
            self.sizes.budget.tick()
            made.append(literal)
            if field is None:
                continue
            if not _PLAIN_FIELD.fullmatch(field):
                raise ValueError(f"the field '{field[:40]}' is not a plain name or number")
            if spec and "{" in spec:
                raise ValueError("a format specification may not hold fields; use an f-string")
            if field == "":
                field, auto = str(auto), auto + 1
            value = args[int(field)] if field.isdigit() else values[field]
            if conversion == "r":
                value = self.represent(value)
            elif conversion == "a":
                value = ascii(self.represent(value))[1:-1]
            elif conversion == "s":
                value = self.text(value)
            made.append(self.formatted(value, spec or ""))
        self.sizes.text(sum(map(len, made)))
        return "".join(made)

    def percent(self, template: str, values: Any) -> str:
        """Return ``template % values``."""
        given = values if type(values) is tuple else (values,)
        made, position, index = [], 0, 0
        for match in _PERCENT.finditer(template):
            self.sizes.budget.tick()
            gap = template[position : match.start()]
            made.append(self._literal(gap))
            position = match.end()
            name, width, precision, kind = match.groups()
            if kind == "%":
                made.append("%")
                continue
            if int(width or 0) > limits.FORMAT_WIDTH or int(precision or 0) > 100:
                self.sizes.text(limits.TEXT_LENGTH + 1)
            if name is not None:
                if type(values) is not dict:
                    raise TypeError("format requires a dictionary")
                value = values[name]
            elif index >= len(given):
                raise TypeError("not enough values for the format text")
            else:
                value, index = given[index], index + 1
            if kind in "sra":
                value = self.text(value) if kind == "s" else self.represent(value)
            elif type(value) not in (int, float, Decimal, bool, str):
                raise TypeError(f"%{kind} needs a number, not '{kind_name(value)}'")
            elif type(value) is Decimal and abs(value.adjusted()) > 5_000:
                raise ValueError("the number is too large to be formatted")
            directive = re.sub(r"\(\w*\)", "", match.group())
            made.append(directive % (value,))
        made.append(self._literal(template[position:]))
        if type(values) is tuple and index < len(given):
            raise TypeError("not all values were used by the format text")
        self.sizes.text(sum(map(len, made)))
        return "".join(made)

    @staticmethod
    def _literal(gap: str) -> str:
        if "%" in gap:
            raise ValueError("the format text holds a directive that scripts may not use")
        return gap
