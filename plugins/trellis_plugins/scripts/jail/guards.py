"""The guards that rewritten code calls: attributes, items, iteration, operators, texts, exceptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from trellis_plugins.scripts.jail import limits, operators
from trellis_plugins.scripts.jail.attributes import EXCEPTION_ATTRIBUTES, PLAIN, Attributes, Items, measured_methods
from trellis_plugins.scripts.jail.budget import Budget
from trellis_plugins.scripts.jail.builtins import EXCEPTIONS, Facade, functions
from trellis_plugins.scripts.jail.facades import module
from trellis_plugins.scripts.jail.policy import INJECTED
from trellis_plugins.scripts.jail.sizes import SCALARS, Sizes, iterate, kind_name
from trellis_plugins.scripts.jail.source import refused
from trellis_plugins.scripts.jail.texts import Texts

_INDEXED = frozenset({dict, list, tuple, str, range, bytes})
_DATA = SCALARS | {str}
_STOPS = (MemoryError, RecursionError)


class Guards:
    """The guards of one run. ``names`` are what compiled code finds under the reserved names, ``builtins`` what a
    script finds without importing; ``last`` is the value of the script's last expression."""

    def __init__(self, budget: Budget, clock: Any) -> None:
        self.budget, self.sizes = budget, Sizes(budget)
        self.texts = Texts(self.sizes)
        self.last: Any = None
        self.operators = operators.binary(self.sizes, self.texts)
        self._modules: dict[str, Any] = {}
        self.clock = clock
        self.get = self._reader()
        self.builtins = functions(self)
        self.names = self._names()
        assert set(self.names) == INJECTED, set(self.names) ^ INJECTED

    def _reader(self) -> Callable[[Any, str], Any]:
        makers = measured_methods(self.sizes, self.texts)
        # One dictionary look-up per access: type → name → None (take it as it is) or a measured method. Most runs meet few
        # types, so each is added when it is first met.
        table: dict[type, dict[str, Any]] = {}
        missing = object()

        def read(value: Any, name: str) -> Any:
            kind = type(value)
            known = table.get(kind)
            if known is None and kind in PLAIN:
                more = makers[kind]() if kind in makers else {}
                known = table[kind] = {**dict.fromkeys(PLAIN[kind], None), **more}
            if known is not None:
                method = known.get(name, missing)
                if method is None:
                    return getattr(value, name)
                if method is not missing:
                    return partial(method, value)
            elif isinstance(value, Attributes):
                return value.attribute(name)
            elif isinstance(value, Exception) and name in EXCEPTION_ATTRIBUTES:
                return self._of_error(value, name)
            raise AttributeError(f"a value of type '{kind_name(value)}' has no attribute '{name}' in scripts")

        return read

    def _of_error(self, error: Exception, name: str) -> Any:
        if name == "message":
            return self.texts.text(error)
        if name == "args":
            # Errors of libraries carry types and other values of their own.
            return tuple(a if type(a) in _DATA else self.texts.text(a) for a in error.args)
        found = getattr(error, name, None)
        return found if found is None or type(found) is str else None

    def read_named(self, value: Any, name: Any) -> Any:
        """Return an attribute whose name the script computed."""
        if type(name) is not str or refused(name):
            raise AttributeError("the name is not one that scripts may use")
        return self.get(value, name)

    def item(self, value: Any, key: Any) -> Any:
        """Return ``value[key]``."""
        kind = type(value)
        if kind in _INDEXED:
            if type(key) is slice:
                found = value[key]
                if kind is not range:
                    self.budget.allocate(len(found))
                return found
            return value[key]
        if isinstance(value, Items):
            return value.item(key)
        raise TypeError(f"a value of type '{kind_name(value)}' cannot be indexed")

    def contains(self, item: Any, value: Any) -> bool:
        """Return ``item in value``."""
        kind = type(value)
        if kind is dict or kind is set or kind is frozenset:
            return item in value
        if kind is list or kind is tuple:
            self.budget.charge(len(value) >> 4)
            return item in value
        if kind is str:
            self.budget.charge(len(value) >> 6)
            return item in value
        if kind is range:
            if type(item) is float and item.is_integer():
                item = int(item)
            return type(item) in (int, bool) and item in value
        if isinstance(value, Items):
            return value.holds(item)
        return item in self.sizes.collect(value)

    def star(self, value: Any) -> Any:
        """Return the items of ``value`` as a list or tuple that C code may go through."""
        return value if type(value) in (list, tuple) else self.sizes.collect(value)

    def unpack(self, value: Any) -> Any:
        """Return what may be taken apart into single names. Reads no more items than there are names and one."""
        return iterate(value)

    def stars(self, value: Any) -> Iterator[Any]:
        """Go through ``value``, each of whose items is taken apart with a star."""
        for item in iterate(value):
            yield self.star(item)

    def mapping(self, value: Any) -> dict[str, Any]:
        """Return what may stand behind two stars."""
        if type(value) is not dict:
            raise TypeError(f"'**' needs a dictionary, not '{kind_name(value)}'")
        self.sizes.items(len(value))
        return value

    def caught(self, kinds: Any = Exception) -> Any:
        """Return the exception types of a handler. Only those of the list can be caught."""
        for kind in kinds if type(kinds) is tuple else (kinds,):
            if kind not in _CATCHABLE:
                raise TypeError("an exception type that scripts may catch was expected after 'except'")
        return kinds

    def raised(self, error: Any) -> Any:
        """Return what may be raised."""
        kind = error if type(error) is type else type(error)
        if error is None or kind in _CATCHABLE:
            return error
        raise TypeError(f"a value of type '{kind_name(error)}' cannot be raised")

    def module(self, name: str, attribute: str | None = None) -> Any:
        """Return the facade of a module, or what it offers under ``attribute``."""
        found = self._modules.get(name)
        if found is None:
            found = self._modules[name] = module(name, self)
        return found if attribute is None else self.read_named(found, attribute)

    def _write(self, value: Any) -> Any:
        return Writer(self, value)

    def _inplace_attribute(self, sign: str, value: Any, name: str, more: Any) -> None:
        setattr(Writer(self, value), name, self._inplace(sign, self.get(value, name), more))

    def _inplace_item(self, sign: str, value: Any, key: Any, more: Any) -> None:
        Writer(self, value)[key] = self._inplace(sign, self.item(value, key), more)

    def _last(self, value: Any) -> None:
        self.last = value

    def _names(self) -> dict[str, Any]:
        self._inplace = operators.in_place(self.operators, self.sizes)
        return {
            "_getattr_": self.get,
            "_getitem_": self.item,
            "_getiter_": iterate,
            "_stars_": self.stars,
            "_star_": self.star,
            "_unpack_": self.unpack,
            "_mapping_": self.mapping,
            "_write_": self._write,
            "_slice_": slice,
            "_in_": self.contains,
            "_add_": self.operators["+"],
            "_mul_": self.operators["*"],
            "_mod_": self.operators["%"],
            "_pow_": self.operators["**"],
            "_lshift_": self.operators["<<"],
            "_inplace_": self._inplace,
            "_inplace_attr_": self._inplace_attribute,
            "_inplace_item_": self._inplace_item,
            "_text_": self.texts.joined,
            "_module_": self.module,
            "_tick_": self.budget.tick,
            "_caught_": self.caught,
            "_stops_": _STOPS,
            "_raised_": self.raised,
            "_last_": self._last,
        }


class Writer:
    """Stands for a value on the left of an assignment or behind ``del``: lists, dictionaries and our own values only."""

    __slots__ = ("_guards", "_value")

    def __init__(self, guards: Guards, value: Any) -> None:
        object.__setattr__(self, "_guards", guards)
        object.__setattr__(self, "_value", value)

    def __setattr__(self, name: str, new: Any) -> None:
        value = object.__getattribute__(self, "_value")
        if not isinstance(value, Attributes):
            raise AttributeError(f"attributes of a value of type '{kind_name(value)}' cannot be assigned")
        value.assign(name, new)

    def __setitem__(self, key: Any, new: Any) -> None:
        value, guards = object.__getattribute__(self, "_value"), object.__getattribute__(self, "_guards")
        kind = type(value)
        if kind is dict:
            value[key] = new
            if len(value) > limits.COLLECTION_ITEMS:
                guards.sizes.items(len(value))
        elif kind is list:
            if type(key) is slice:
                new = guards.sizes.collect(new)
                guards.sizes.items(len(value) + len(new))
            value[key] = new
        elif isinstance(value, Items):
            value.assign_item(key, new)
        else:
            raise TypeError(f"items of a value of type '{kind_name(value)}' cannot be assigned")

    def __delitem__(self, key: Any) -> None:
        value = object.__getattribute__(self, "_value")
        if type(value) is not dict and type(value) is not list:
            raise TypeError(f"items of a value of type '{kind_name(value)}' cannot be deleted")
        del value[key]


_CATCHABLE = frozenset(EXCEPTIONS.values())
assert Facade is not None
