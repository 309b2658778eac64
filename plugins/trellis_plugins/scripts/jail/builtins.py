"""What a script finds without importing: functions that measure, facades of types, and exception types."""

from __future__ import annotations

import decimal
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trellis_plugins.scripts.jail import errors, limits
from trellis_plugins.scripts.jail.attributes import Attributes
from trellis_plugins.scripts.jail.sizes import Iterates, iterate, kind_name

if TYPE_CHECKING:
    from trellis_plugins.scripts.jail.guards import Guards

EXCEPTIONS: dict[str, type[Exception]] = {
    e.__name__: e
    for e in (
        Exception,
        ArithmeticError,
        AssertionError,
        AttributeError,
        IndexError,
        KeyError,
        LookupError,
        NameError,
        NotImplementedError,
        OverflowError,
        RuntimeError,
        StopIteration,
        TypeError,
        UnicodeError,
        ValueError,
        ZeroDivisionError,
        errors.ApiError,
        errors.NotFound,
        errors.AccessDenied,
        errors.InvalidRecord,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        json.JSONDecodeError,
    )
}
_OFFERED = frozenset(EXCEPTIONS) - {"InvalidOperation", "DivisionByZero", "JSONDecodeError"}


class Facade(Attributes):
    """Stands for a type: callable, usable in ``isinstance``, with the attributes given and no others."""

    __slots__ = ("_attributes", "_make", "name", "real")
    SCRIPT_NAME = "type"

    def __init__(self, name: str, real: type | tuple[type, ...], make: Callable[..., Any], **attributes: Any) -> None:
        self.name, self.real, self._make, self._attributes = name, real, make, attributes

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._make(*args, **named)

    def attribute(self, name: str) -> Any:
        if name in self._attributes:
            return self._attributes[name]
        raise AttributeError(f"'{self.name}' has no attribute '{name}' in scripts")

    def script_text(self) -> str:
        """Return the text of the facade in scripts."""
        return f"<type {self.name}>"


def functions(guards: Guards) -> dict[str, Any]:
    """Return a fresh dictionary of builtins for one run."""
    sizes, texts, budget = guards.sizes, guards.texts, guards.budget
    collect, tick = sizes.collect, budget.tick

    def make_int(value: Any = 0, base: Any = None) -> int:
        kind = type(value)
        if kind is str:
            if len(value) > 5_000:
                sizes.bits(limits.INTEGER_BITS + 1)
            return sizes.integer(int(value) if base is None else int(value, base))
        if kind in (int, float, bool):
            return int(value)
        if kind is Decimal:
            if value.is_finite() and value.adjusted() > 5_000:
                sizes.bits(limits.INTEGER_BITS + 1)
            return sizes.integer(int(value))
        raise TypeError(f"int() takes a number or a text, not '{kind_name(value)}'")

    def make_float(value: Any = 0.0) -> float:
        if type(value) not in (int, float, bool, str, Decimal):
            raise TypeError(f"float() takes a number or a text, not '{kind_name(value)}'")
        return float(value)

    def make_text(value: Any = "") -> str:
        return texts.text(value)

    def make_bool(value: Any = False) -> bool:
        return bool(value)

    def make_list(value: Any = ()) -> list[Any]:
        return collect(value)

    def make_tuple(value: Any = ()) -> tuple[Any, ...]:
        return tuple(collect(value))

    def make_set(value: Any = ()) -> set[Any]:
        return set(collect(value))

    def make_frozen(value: Any = ()) -> frozenset[Any]:
        return frozenset(collect(value))

    def make_dict(value: Any = (), /, **named: Any) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        made.update(value.items() if type(value) is dict else [tuple(collect(p)) for p in collect(value)])
        made.update(named)
        sizes.items(len(made))
        return made

    def from_keys(keys: Any, value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(collect(keys), value)

    def length(value: Any) -> int:
        if isinstance(value, Iterates):
            return len(list(value.items_of()))
        if type(value).__name__ == "generator":
            raise TypeError("a generator has no length")
        iterate(value)
        return len(value)

    def total(values: Any, start: Any = 0) -> Any:
        result, add = start, guards.operators["+"]
        if type(start) is str:
            raise TypeError("sum() takes no texts: use ''.join(…)")
        for value in iterate(values):
            tick()
            result = add(result, value)
        return result

    def extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
        def chosen(*values: Any, key: Any = None, **default: Any) -> Any:
            if set(default) - {"default"}:
                raise TypeError(f"unexpected argument '{min(set(default) - {'default'})}'")
            if len(values) != 1:
                return choose(values, key=key)
            found = collect(values[0])
            budget.charge(len(found))
            return choose(found, key=key, **default)

        return chosen

    def ordered(values: Any, *, key: Any = None, reverse: bool = False) -> list[Any]:
        found = collect(values)
        budget.charge(len(found) << 1)
        found.sort(key=key, reverse=bool(reverse))
        return found

    def rounded(value: Any, digits: Any = None) -> Any:
        if type(value) not in (int, float, bool, Decimal):
            raise TypeError(f"round() takes a number, not '{kind_name(value)}'")
        if digits is None:
            return (
                make_int(value.to_integral_value(decimal.ROUND_HALF_EVEN)) if type(value) is Decimal else round(value)
            )
        if type(digits) is not int or abs(digits) > 1_000:
            raise ValueError("round() takes at most 1,000 digits")
        return round(value, digits)

    def power(base: Any, exponent: Any, modulus: Any = None) -> Any:
        if modulus is None:
            return guards.operators["**"](base, exponent)
        for number in (base, exponent, modulus):
            if type(number) is not int or number.bit_length() > 1_024:
                raise ValueError("pow() with a modulus takes whole numbers of at most 1,024 bits")
        return pow(base, exponent, modulus)

    def absolute(value: Any) -> Any:
        return abs(value)

    def number_range(*bounds: int) -> range:
        return range(*bounds)

    def mapped(function: Any, *values: Any) -> list[Any]:
        lists = [collect(v) for v in values]
        made = []
        for items in zip(*lists, strict=False):
            tick()
            made.append(function(*items))
        return made

    def filtered(function: Any, values: Any) -> list[Any]:
        made = []
        for item in collect(values):
            tick()
            if item if function is None else function(item):
                made.append(item)
        return made

    def zipped(*values: Any, strict: bool = False) -> list[tuple[Any, ...]]:
        return list(zip(*[collect(v) for v in values], strict=bool(strict)))

    def enumerated(values: Any, start: int = 0) -> list[tuple[int, Any]]:
        return list(enumerate(collect(values), start))

    def reverse(values: Any) -> list[Any]:
        return collect(values)[::-1]

    def some(values: Any) -> bool:
        for value in iterate(values):
            tick()
            if value:
                return True
        return False

    def every(values: Any) -> bool:
        for value in iterate(values):
            tick()
            if not value:
                return False
        return True

    def iterator(values: Any) -> Any:
        return (item for item in iterate(values) if tick())

    def following(values: Any, *default: Any) -> Any:
        tick()
        if type(values).__name__ != "generator" or len(default) > 1:
            raise TypeError("next() takes a generator; make one with iter(…)")
        return next(values, *default)

    def is_instance(value: Any, kinds: Any) -> bool:
        for kind in kinds if type(kinds) is tuple else (kinds,):
            if type(kind) is Facade:
                if isinstance(value, kind.real):
                    return True
            elif type(kind) is type and kind in EXCEPTIONS.values():
                if isinstance(value, kind):
                    return True
            elif type(kind) is tuple:
                budget.tick()
                if is_instance(value, kind):
                    return True
            else:
                raise TypeError("isinstance() takes a type or a tuple of types")
        return False

    def has_attribute(value: Any, name: Any) -> bool:
        try:
            guards.read_named(value, name)
        except AttributeError:
            return False
        return True

    def get_attribute(value: Any, name: Any, *default: Any) -> Any:
        try:
            return guards.read_named(value, name)
        except AttributeError:
            if default:
                return default[0]
            raise

    def set_attribute(value: Any, name: Any, new: Any) -> None:
        if type(name) is not str or name.startswith("_"):
            raise AttributeError("the name is not one that scripts may use")
        setattr(guards._write(value), name, new)

    def is_callable(value: Any) -> bool:
        return callable(value)

    def whole(convert: Callable[[int], str]) -> Callable[[Any], str]:
        def converted(value: Any) -> str:
            if type(value) not in (int, bool):
                raise TypeError("a whole number was expected")
            return convert(value)

        return converted

    def character(number: Any) -> str:
        return chr(number)

    def code_point(text: Any) -> int:
        return ord(text)

    def divide(a: Any, b: Any) -> tuple[Any, Any]:
        return (a // b, guards.operators["%"](a, b))

    def ascii_text(value: Any) -> str:
        made = ascii(texts.represent(value))[1:-1]
        sizes.text(len(made))
        return made

    return {
        "None": None,
        "True": True,
        "False": False,
        "str": Facade("str", str, make_text),
        "int": Facade("int", int, make_int),
        "float": Facade("float", float, make_float),
        "bool": Facade("bool", bool, make_bool),
        "list": Facade("list", list, make_list),
        "tuple": Facade("tuple", tuple, make_tuple),
        "set": Facade("set", set, make_set),
        "frozenset": Facade("frozenset", frozenset, make_frozen),
        "dict": Facade("dict", dict, make_dict, fromkeys=from_keys),
        "range": Facade("range", range, number_range),
        "abs": absolute,
        "all": every,
        "any": some,
        "ascii": ascii_text,
        "bin": whole(bin),
        "callable": is_callable,
        "chr": character,
        "divmod": divide,
        "enumerate": enumerated,
        "filter": filtered,
        "format": texts.formatted,
        "getattr": get_attribute,
        "hasattr": has_attribute,
        "hex": whole(hex),
        "isinstance": is_instance,
        "iter": iterator,
        "len": length,
        "map": mapped,
        "max": extreme(max),
        "min": extreme(min),
        "next": following,
        "oct": whole(oct),
        "ord": code_point,
        "pow": power,
        "repr": texts.represent,
        "reversed": reverse,
        "round": rounded,
        "setattr": set_attribute,
        "sorted": ordered,
        "sum": total,
        "zip": zipped,
        **{name: EXCEPTIONS[name] for name in _OFFERED},
    }
