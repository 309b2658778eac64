"""The operators that can make a large value from small ones. Sizes are checked before the work is done."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from trellis_plugins.scripts.jail import limits
from trellis_plugins.scripts.jail.sizes import Sizes, kind_name
from trellis_plugins.scripts.jail.texts import Texts

_SMALL = 1 << 60
_FLAT = frozenset({int, float, bool, Decimal})


def binary(sizes: Sizes, texts: Texts) -> dict[str, Callable[[Any, Any], Any]]:
    """Return the guarded operators by their signs."""

    def add(a: Any, b: Any) -> Any:
        kind = type(a)
        if kind is int or kind is Decimal or kind is float:
            return a + b
        if kind is str:
            if type(b) is str:
                length = len(a) + len(b)
                if length > 64:
                    sizes.text(length)
        elif (kind is list or kind is tuple or kind is bytes) and type(b) is kind:
            sizes.items(len(a) + len(b))
        return a + b

    def multiply(a: Any, b: Any) -> Any:
        left, right = type(a), type(b)
        if left is int and right is int:
            if not (-_SMALL < a < _SMALL and -_SMALL < b < _SMALL):
                sizes.bits(a.bit_length() + b.bit_length())
            return a * b
        if left in _FLAT and right in _FLAT:
            return a * b
        if right is int or right is bool:
            _repeat(a, b)
        elif left is int or left is bool:
            _repeat(b, a)
        return a * b

    def _repeat(value: Any, times: int) -> None:
        kind = type(value)
        if times > 0:
            if kind is str:
                sizes.text(len(value) * times)
            elif kind is list or kind is tuple or kind is bytes:
                sizes.items(len(value) * times)

    def modulo(a: Any, b: Any) -> Any:
        if type(a) is str:
            return texts.percent(a, b)
        if type(a) is bytes:
            raise TypeError("bytes cannot be formatted")
        return a % b

    def power(a: Any, b: Any) -> Any:
        left, right = type(a), type(b)
        if left not in _FLAT or right not in _FLAT:
            raise TypeError(f"'**' needs numbers, not '{kind_name(a)}' and '{kind_name(b)}'")
        if left in (int, bool) and right in (int, bool) and b > 0:
            sizes.bits(int(a).bit_length() * b if a not in (0, 1, -1) else 1)
        return a**b

    def shift_left(a: Any, b: Any) -> Any:
        if type(a) not in (int, bool) or type(b) not in (int, bool):
            raise TypeError("'<<' needs whole numbers")
        if b > 0:
            sizes.bits(int(a).bit_length() + b)
        return a << b

    return {
        "+": add,
        "-": operator.sub,
        "*": multiply,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": modulo,
        "**": power,
        "<<": shift_left,
        ">>": operator.rshift,
        "|": operator.or_,
        "^": operator.xor,
        "&": operator.and_,
    }


def in_place(operators: dict[str, Callable[[Any, Any], Any]], sizes: Sizes) -> Callable[[str, Any, Any], Any]:
    """Return the function that computes ``a <sign>= b`` and gives what is to be assigned."""

    def inplace(sign: str, a: Any, b: Any) -> Any:
        kind = type(a)
        if kind is list:
            if sign == "+":
                more = sizes.collect(b)
                sizes.items(len(a) + len(more))
                a += more
                return a
            if sign == "*" and type(b) is int:
                sizes.items(len(a) * max(b, 0))
                a *= b
                return a
        elif kind is set and sign in _SETS and type(b) in (set, frozenset):
            sizes.items(len(a) + len(b))
            return _SETS[sign](a, b)
        elif kind is dict and sign == "|" and type(b) is dict:
            sizes.items(len(a) + len(b))
            a |= b
            return a
        return operators[sign](a, b)

    return inplace


_SETS = {"|": operator.ior, "&": operator.iand, "-": operator.isub, "^": operator.ixor}
assert limits.INTEGER_BITS > 128
