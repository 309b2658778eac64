"""Which attributes a script may read: an allow-list per exact type. What is not listed does not exist.

``PLAIN`` are taken from the value as they are. The others, whose work can be out of proportion to their arguments, are
functions of this module that measure first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from trellis_plugins.scripts.jail.sizes import Sizes, kind_name
from trellis_plugins.scripts.jail.texts import Texts

_TEXT = (
    "capitalize casefold endswith isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable"
    " isspace istitle isupper lower lstrip partition removeprefix removesuffix rpartition rstrip startswith strip swapcase"
    " title upper"
)
_DATE = "year month day weekday isoweekday toordinal isoformat"
_MOMENT = " hour minute second microsecond fold tzinfo"
PLAIN: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT.split()),
    list: frozenset(["append", "clear", "pop", "reverse"]),
    dict: frozenset(["clear", "get", "items", "keys", "pop", "popitem", "setdefault", "values"]),
    set: frozenset(["add", "clear", "discard", "isdisjoint", "issubset", "issuperset", "pop", "remove"]),
    frozenset: frozenset(["isdisjoint", "issubset", "issuperset"]),
    tuple: frozenset(),
    int: frozenset(["bit_length", "conjugate", "real", "imag", "numerator", "denominator"]),
    bool: frozenset(),
    float: frozenset(["is_integer", "real", "imag"]),
    Decimal: frozenset(
        [
            "adjusted",
            "compare",
            "copy_abs",
            "copy_negate",
            "copy_sign",
            "is_finite",
            "is_infinite",
            "is_nan",
            "is_signed",
            "is_zero",
            "max",
            "min",
            "normalize",
            "quantize",
            "remainder_near",
            "sqrt",
            "to_eng_string",
            "to_integral",
            "to_integral_value",
        ]
    ),
    date: frozenset(_DATE.split()),
    datetime: frozenset((_DATE + _MOMENT + " utcoffset timestamp").split()),
    time: frozenset(("isoformat" + _MOMENT).split()),
    timedelta: frozenset(["days", "seconds", "microseconds", "total_seconds"]),
    timezone: frozenset(),
    range: frozenset(["start", "stop", "step"]),
    bytes: frozenset(["hex"]),
}
Method = Callable[..., Any]


def measured_methods(sizes: Sizes, texts: Texts) -> dict[type, Callable[[], dict[str, Method]]]:
    """Return what makes the measured methods of a type; each method takes the value first."""
    collect, charge = sizes.collect, sizes.budget.charge

    def pad(name: str) -> Method:
        method = getattr(str, name)

        def padded(value: str, width: int, *fill: str) -> str:
            sizes.text(max(len(value), width))
            return method(value, width, *fill)  # type: ignore[no-any-return]

        return padded

    def scan(kind: type, name: str) -> Method:
        method = getattr(kind, name)

        def scanned(value: Any, *args: Any) -> Any:
            charge(len(value) >> 4)
            return method(value, *args)

        return scanned

    def split(name: str) -> Method:
        method = getattr(str, name)

        def splitting(value: str, /, *args: Any, **named: Any) -> list[str]:
            sizes.text(len(value))
            found: list[str] = method(value, *args, **named)
            sizes.items(len(found))
            return found

        return splitting

    def join(value: str, parts: Any) -> str:
        found = collect(parts)
        for part in found:
            if type(part) is not str:
                raise TypeError(f"join needs texts, not '{kind_name(part)}'")
        sizes.text(sum(map(len, found)) + len(value) * max(0, len(found) - 1))
        return value.join(found)

    def replace(value: str, old: str, new: str, count: int = -1) -> str:
        charge(len(value) >> 6)
        times = value.count(old) if count < 0 else min(count, value.count(old))
        sizes.text(len(value) + times * max(0, len(new) - len(old)))
        return value.replace(old, new, count)

    def expandtabs(value: str, tabsize: int = 8) -> str:
        sizes.text(len(value) + value.count("\t") * max(0, tabsize))
        return value.expandtabs(tabsize)

    def zfill(value: str, width: int) -> str:
        sizes.text(max(len(value), width))
        return value.zfill(width)

    def encode(value: str, encoding: str = "utf-8") -> bytes:
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii", "latin-1"):
            raise ValueError("texts can be encoded as utf-8, ascii or latin-1")
        sizes.text(len(value))
        return value.encode(encoding)

    def decode(value: bytes, encoding: str = "utf-8") -> str:
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii", "latin-1"):
            raise ValueError("bytes can be decoded as utf-8, ascii or latin-1")
        sizes.text(len(value))
        return value.decode(encoding)

    def text_format(value: str, /, *args: Any, **named: Any) -> str:
        return texts.format(value, args, named)

    def extend(value: list[Any], more: Any) -> None:
        found = collect(more)
        sizes.items(len(value) + len(found))
        value.extend(found)

    def index(value: list[Any], item: Any, *bounds: int) -> int:
        charge(len(value) >> 4)
        try:
            return value.index(item, *bounds)
        except ValueError:
            # Python's own message would show the item, with its address.
            raise ValueError("the item is not in the list") from None

    def insert(value: list[Any], index: int, item: Any) -> None:
        charge(len(value) >> 8)
        value.insert(index, item)

    def sort(value: list[Any], *, key: Any = None, reverse: bool = False) -> None:
        charge(len(value) << 1)
        value.sort(key=key, reverse=reverse)

    def copy(value: Any) -> Any:
        sizes.items(len(value))
        return value.copy()

    def update(value: dict[Any, Any], /, *others: Any, **named: Any) -> None:
        for other in (*others, named):
            pairs = list(other.items()) if type(other) is dict else [tuple(collect(p)) for p in collect(other)]
            sizes.items(len(value) + len(pairs))
            value.update(pairs)

    def set_update(value: set[Any], *others: Any) -> None:
        for other in others:
            found = collect(other)
            sizes.items(len(value) + len(found))
            value.update(found)

    def combine(name: str) -> Method:
        def combined(value: Any, *others: Any) -> Any:
            sizes.items(len(value))
            given = [set(collect(o)) for o in others]
            return getattr(value, name)(*given)

        return combined

    def strftime(value: Any, pattern: str) -> str:
        return texts.date_text(value, pattern)

    def astimezone(value: datetime, zone: Any) -> datetime:
        if type(zone) is not timezone:
            raise TypeError("astimezone needs a time zone: timezone.utc or timezone(timedelta(hours=8))")
        return value.astimezone(zone)

    def date_replace(value: Any, /, **parts: Any) -> Any:
        return value.replace(**parts)

    def isocalendar(value: date) -> tuple[int, int, int]:
        return tuple(value.isocalendar())  # type: ignore[return-value]

    def day_of(value: datetime) -> date:
        return value.date()

    def time_of(value: datetime) -> time:
        return value.time()

    def as_tuple(value: Decimal) -> tuple[Any, ...]:
        return tuple(value.as_tuple())

    def ratio(value: Any) -> tuple[int, int]:
        a, b = value.as_integer_ratio()
        return sizes.integer(a), sizes.integer(b)

    def calendar() -> dict[str, Method]:
        return {"strftime": strftime, "replace": date_replace}

    def combined() -> dict[str, Method]:
        return {n: combine(n) for n in ("union", "intersection", "difference", "symmetric_difference")}

    def of_text() -> dict[str, Method]:
        return {
            **{n: pad(n) for n in ("ljust", "rjust", "center")},
            **{n: scan(str, n) for n in ("count", "find", "index", "rfind", "rindex")},
            **{n: split(n) for n in ("split", "rsplit", "splitlines")},
            "join": join,
            "replace": replace,
            "expandtabs": expandtabs,
            "zfill": zfill,
            "encode": encode,
            "format": text_format,
        }

    def of_list() -> dict[str, Method]:
        scanned = {n: scan(list, n) for n in ("count", "remove")}
        return {**scanned, "index": index, "extend": extend, "insert": insert, "sort": sort, "copy": copy}

    def of_set() -> dict[str, Method]:
        names = ("intersection_update", "difference_update", "symmetric_difference_update")
        return {**combined(), **{n: combine(n) for n in names}, "update": set_update, "copy": copy}

    def of_moment() -> dict[str, Method]:
        more = {"isocalendar": isocalendar, "astimezone": astimezone, "date": day_of, "time": time_of}
        return {**calendar(), **more}

    return {
        str: of_text,
        list: of_list,
        tuple: lambda: {n: scan(tuple, n) for n in ("count", "index")},
        dict: lambda: {"copy": copy, "update": update},
        set: of_set,
        frozenset: lambda: {**combined(), "copy": copy},
        Decimal: lambda: {"as_tuple": as_tuple, "as_integer_ratio": ratio},
        float: lambda: {"as_integer_ratio": ratio},
        date: lambda: {**calendar(), "isocalendar": isocalendar},
        datetime: of_moment,
        time: calendar,
        bytes: lambda: {"decode": decode},
    }


class Attributes:
    """Base of our own values whose attributes scripts may read. ``attribute`` returns one or raises AttributeError."""

    __slots__ = ()
    SCRIPT_NAME = "value"

    def attribute(self, name: str) -> Any:
        """Return the attribute called ``name``."""
        raise AttributeError(f"'{self.SCRIPT_NAME}' has no attribute '{name}'")

    def assign(self, name: str, value: Any) -> None:
        """Set the attribute called ``name``."""
        raise AttributeError(f"'{self.SCRIPT_NAME}' cannot be changed")


class Items:
    """Base of our own values that scripts may index."""

    __slots__ = ()

    def item(self, key: Any) -> Any:
        """Return the item at ``key``."""
        raise TypeError("not indexable")

    def assign_item(self, key: Any, value: Any) -> None:
        """Set the item at ``key``."""
        raise TypeError("items cannot be assigned")

    def holds(self, key: Any) -> bool:
        """Say whether ``key`` is in it."""
        raise TypeError("'in' is not available for this value")


EXCEPTION_ATTRIBUTES = frozenset({"args", "message", "field", "code"})
