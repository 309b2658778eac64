"""The API of scripts inside the worker: each call is a message that the host authorises and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trellis_plugins.scripts.jail import errors, limits
from trellis_plugins.scripts.jail.attributes import Attributes
from trellis_plugins.scripts.jail.limits import LimitReached
from trellis_plugins.scripts.jail.records import Record, Shape
from trellis_plugins.scripts.jail.values import pack, unpack

Send = Callable[[str, Any], dict[str, Any]]


class Port:
    """Sends calls of one run to the host."""

    def __init__(self, send: Send, run: Any) -> None:
        self._send, self._run = send, run

    def call(self, name: str, *arguments: Any) -> Any:
        """Ask the host. Raises :class:`ApiError` for a refusal; a limit ends the run."""
        if self._run.budget.stopped is not None:
            raise self._run.budget.stopped
        self._run.budget.charge(50)
        self._run.sizes.measure(arguments)
        answer = self._send(name, [pack(a) for a in arguments])
        if "stop" in answer:
            self._run.budget.stop(LimitReached(answer["stop"][0], answer["stop"][1]))
        if "error" in answer:
            error = answer["error"]
            kind = errors.BY_CODE.get(error["code"], errors.ApiError)
            raise kind(error["message"], error["code"], error.get("field"))
        return answer["value"]


class Namespace(Attributes):
    """A few functions under one name."""

    __slots__ = ("_functions", "name")
    SCRIPT_NAME = "api"

    def __init__(self, name: str, **functions: Any) -> None:
        self.name, self._functions = name, functions

    def attribute(self, name: str) -> Any:
        if name in self._functions:
            return self._functions[name]
        raise AttributeError(f"'{self.name}' has no '{name}'. There are: {', '.join(self._functions)}")


def crm(port: Port) -> Namespace:
    """Return ``crm``: records, read and written with the rights of the run."""

    def rows(raw: dict[str, Any]) -> list[Record]:
        shape = Shape(raw["shape"])
        return [Record(shape, r[0], r[1]) for r in raw["rows"]]

    def query(
        object: Any, filters: Any = None, fields: Any = None, order_by: Any = None, limit: Any = 100
    ) -> list[Record]:
        return rows(port.call("query", object, filters, fields, order_by, limit))

    def get(object: Any, id: Any, fields: Any = None) -> Record | None:
        found = rows(port.call("get", object, id, fields))
        return found[0] if found else None

    def count(object: Any, filters: Any = None) -> int:
        return int(port.call("count", object, filters))

    def create(object: Any, values: Any) -> Any:
        return port.call("create", object, values)

    def update(object: Any, id: Any, values: Any = None) -> Any:
        return port.call("update", object, id, values)

    def delete(object: Any, id: Any) -> Any:
        return port.call("delete", object, id)

    return Namespace("crm", query=query, get=get, count=count, create=create, update=update, delete=delete)


class Secret(Attributes):
    """Stands for a secret that only the host knows. Usable as a header of ``http`` calls."""

    __slots__ = ("name",)
    SCRIPT_NAME = "secret"

    def __init__(self, name: str) -> None:
        self.name = name

    def to_plain(self) -> dict[str, str]:
        """Return the form in which the host replaces it."""
        return {"secret": self.name}


class Response(Attributes):
    """The answer to an ``http`` call."""

    __slots__ = ("_guards", "_raw")
    SCRIPT_NAME = "response"

    def __init__(self, guards: Any, raw: dict[str, Any]) -> None:
        self._guards, self._raw = guards, raw

    def attribute(self, name: str) -> Any:
        if name in ("status", "text", "headers"):
            return self._raw[name]
        if name == "ok":
            return 200 <= self._raw["status"] < 300
        if name == "json":
            return lambda: self._guards.module("json", "loads")(self._raw["text"])
        return super().attribute(name)


def http(port: Port, guards: Any) -> Namespace:
    """Return ``http``: requests that the host makes to the hosts that the pack declares."""

    def method(name: str) -> Any:
        def called(url: Any, *, json: Any = None, headers: Any = None, params: Any = None) -> Response:
            return Response(guards, port.call("http", name, url, json, headers, params))

        return called

    return Namespace("http", **{n: method(n) for n in ("get", "post", "put", "delete")})


class Log:
    """What a run writes for its author: at most 1,000 lines of 2,000 characters."""

    def __init__(self, guards: Any) -> None:
        self._guards = guards
        self.lines: list[list[str]] = []

    def write(self, level: str, *values: Any, sep: Any = " ") -> None:
        """Add a line."""
        if len(self.lines) >= limits.LOG_LINES:
            self._guards.budget.stop(LimitReached("log lines", limits.LOG_LINES))
        self._guards.budget.charge(4)
        text = (sep if type(sep) is str else " ").join([self._guards.texts.text(v) for v in values])
        self._guards.sizes.text(len(text))
        text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
        self.lines.append([level, text[: limits.LOG_LINE_LENGTH]])

    def namespace(self) -> Namespace:
        """Return ``log``."""

        def at(level: str) -> Any:
            def logged(*values: Any) -> None:
                self.write(level, *values)

            return logged

        return Namespace("log", **{n: at(n) for n in ("info", "warning", "error")})

    def printer(self) -> Any:
        """Return ``print``."""

        def printed(*values: Any, sep: Any = " ", end: Any = None) -> None:
            self.write("info", *values, sep=sep)

        return printed


class LimitsLeft(Attributes):
    """What remains: ``limits.steps`` and so on. What the host counts comes from the host."""

    __slots__ = ("_port", "_run")
    SCRIPT_NAME = "limits"

    def __init__(self, port: Port, run: Any) -> None:
        self._port, self._run = port, run

    def attribute(self, name: str) -> Any:
        if name == "steps":
            return self._run.budget.allowed - self._run.budget.used
        counted = unpack(self._port.call("limits"))
        if name in counted:
            return counted[name]
        return super().attribute(name)
