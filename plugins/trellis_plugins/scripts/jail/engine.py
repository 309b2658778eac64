"""Runs compiled scripts inside a worker: one budget, one set of guards, fresh names for each execution."""

from __future__ import annotations

import decimal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from types import CodeType
from typing import Any

from trellis_plugins.scripts.jail import api
from trellis_plugins.scripts.jail.budget import Budget
from trellis_plugins.scripts.jail.builtins import Facade
from trellis_plugins.scripts.jail.compiler import global_names
from trellis_plugins.scripts.jail.facades import decimals
from trellis_plugins.scripts.jail.guards import Guards
from trellis_plugins.scripts.jail.limits import LimitReached, Limits, Rejected, Stop
from trellis_plugins.scripts.jail.records import Record, Shape
from trellis_plugins.scripts.jail.values import NotSendable, pack, unpack

MESSAGE_LENGTH = 1_000
_TIMES = ("date", "datetime", "timedelta", "timezone")


class ScriptFailed(Exception):
    """A script raised: message, type and line."""

    def __init__(self, kind: str, message: str, line: int) -> None:
        self.kind, self.message, self.line = kind, message, line
        super().__init__(message)


class Clock:
    """The moment of the transaction in the tenant's zone."""

    def __init__(self, raw: dict[str, Any]) -> None:
        zone = timezone(timedelta(seconds=raw.get("offset", 0)))
        self.local = datetime.fromisoformat(raw["now"]).astimezone(zone)


class Run:
    """One invocation of a script. ``request`` is the message of the host, see ``child.py``."""

    def __init__(self, request: dict[str, Any], send: api.Send, code: CodeType) -> None:
        self.limits = Limits.of(request.get("limits", {}))
        self.budget = Budget(self.limits.steps, self.limits.allocation)
        self.guards = Guards(self.budget, Clock(request["clock"]))
        self.sizes = self.guards.sizes
        self.port = api.Port(send, self)
        self.log = api.Log(self.guards)
        self.request = request
        self.refusals: list[list[Any]] = []
        self.line = 0
        self.code = code
        self._surround(frozenset(global_names(code)))

    # -- names -----------------------------------------------------------------------------------------------------

    def refusal(self, message: Any, field: Any) -> list[Any]:
        """Return a refusal in its form on the wire."""
        text = self.guards.texts.text(message)[:MESSAGE_LENGTH]
        pack(text)
        if field is not None and (type(field) is not str or len(field) > 200):
            raise TypeError("reject() takes the name of a field")
        return [text, field]

    def _surround(self, wanted: frozenset[str]) -> None:
        """Add what the script may find beside the builtins; only what it names is made."""
        guards, request = self.guards, self.request
        makers: dict[str, Callable[[], Any]] = {
            "Decimal": lambda: Facade("Decimal", decimal.Decimal, decimals.make_decimal),
            "crm": lambda: api.crm(self.port),
            "http": lambda: api.http(self.port, guards),
            "log": self.log.namespace,
            "print": self.log.printer,
            "now": lambda: lambda: guards.clock.local,
            "today": lambda: lambda: guards.clock.local.date(),
            "limits": lambda: api.LimitsLeft(self.port, self),
            "enqueue": lambda: lambda action, args=None: self.port.call("enqueue", action, args),
            "secret": lambda: lambda name: api.Secret(guards.texts.text(name)),
            **{name: partial(guards.module, name) for name in ("json", "re", "math")},
            **{name: partial(guards.module, "datetime", name) for name in _TIMES},
        }
        for name in ("user", "tenant"):
            if name in request:
                makers[name] = partial(_ReadOnly, name, request[name])
        for name in ("request", "args"):
            if name in request:
                makers[name] = partial(unpack, request[name])
        found = {name: make() for name, make in makers.items() if name in wanted}
        guards.builtins.update(found)

    # -- running ---------------------------------------------------------------------------------------------------

    def go(self) -> dict[str, Any]:
        """Run and return the answer for the host. Raises nothing but what kills the process."""
        decimal.setcontext(decimals.CONTEXT.copy())
        answer: dict[str, Any] = {"outcome": "ok", "results": []}
        try:
            self._run_mode(self.code, answer["results"])
        except LimitReached as limit:
            self._note_limit(answer, limit)
        except MemoryError:
            self._note_limit(answer, LimitReached("memory", f"{self.limits.memory_mb} MB"))
        except RecursionError:
            self._note_limit(answer, LimitReached("recursion", "400 calls within one another"))
        except ScriptFailed as failure:
            answer["outcome"] = "error"
            answer["error"] = {"type": failure.kind, "message": failure.message, "line": failure.line}
        if self.budget.stopped is not None and answer["outcome"] != "limit":
            assert isinstance(self.budget.stopped, LimitReached)
            self._note_limit(answer, self.budget.stopped)
        return {**answer, "steps": self.budget.used, "log": self.log.lines, "refusals": self.refusals}

    def _note_limit(self, answer: dict[str, Any], limit: LimitReached) -> None:
        answer.update(outcome="limit", limit=[limit.name, limit.allowed], line=self.line, results=[])

    def _run_mode(self, code: CodeType, results: list[Any]) -> None:
        request = self.request
        mode = request["mode"]
        if mode == "once":
            results.append({"value": self._value(self._execute(code, {}))})
            return
        records = self._records()
        if mode == "batch":
            value = self._execute(code, {"records": records})
            results.extend(self._result(r) for r in records)
            if results:
                results[0]["value"] = self._value(value)
            return
        for record in records:
            self._one(code, record, results)

    def _one(self, code: CodeType, record: Record, results: list[Any]) -> None:
        before = len(self.refusals)
        names: dict[str, Any] = {"record": record, "old": record.attribute("old")}
        try:
            value = self._execute(code, names)
            result = self._result(record)
            result["value"] = self._value(value)
        except ScriptFailed as failure:
            result = {"error": {"type": failure.kind, "message": failure.message, "line": failure.line}}
        result["refusals"] = [*record.refusals, *self.refusals[before:]]
        del self.refusals[before:]
        results.append(result)

    def _records(self) -> list[Record]:
        shape = Shape(self.request["shape"])
        made = []
        for text_id, values, old in self.request["rows"]:
            before = Record(shape, text_id, old) if old is not None else None
            made.append(Record(shape, text_id, values, run=self).before(before))
        return made

    def _result(self, record: Record) -> dict[str, Any]:
        try:
            return {"changes": record.packed_changes(), "refusals": record.refusals}
        except NotSendable as problem:
            raise ScriptFailed("ValueError", str(problem), 0) from None

    def _value(self, value: Any) -> Any:
        """Return the result in tagged form; what cannot be sent is described instead."""
        try:
            self.sizes.measure(value)
            return pack(value)
        except NotSendable:
            return self.guards.texts.text(value) if not isinstance(value, str) else None

    def _execute(self, code: CodeType, names: dict[str, Any]) -> Any:
        def reject(message: Any, field: Any = None) -> None:
            self.refusals.append(self.refusal(message, field))
            raise Rejected(str(self.refusals[-1][0]), field)

        scope: dict[str, Any] = {
            "__builtins__": {**self.guards.builtins, "reject": reject, **names},
            **self.guards.names,
        }
        self.guards.last = None
        try:
            exec(code, scope)
        except Rejected:
            return None
        except (MemoryError, RecursionError, LimitReached) as stop:
            self.line = _line_of(stop)
            raise
        except Stop:
            raise
        except Exception as error:
            raise self._failure(error) from None
        return scope.get("result", self.guards.last)

    def _failure(self, error: Exception) -> ScriptFailed:
        line = _line_of(error)
        try:
            message = self.guards.texts.text(error)[:MESSAGE_LENGTH]
            pack(message)
        except (Exception, Stop):
            message = ""
        return ScriptFailed(type(error).__name__, message, line)


def _line_of(error: BaseException) -> int:
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<script>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


class _ReadOnly(api.Attributes):
    """A few named values: ``user`` and ``tenant``."""

    SCRIPT_NAME = "value"

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        self._name, self._values = name, unpack(values)

    def attribute(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        raise AttributeError(f"'{self._name}' has no '{name}'. There are: {', '.join(self._values)}")

    def to_plain(self) -> dict[str, Any]:
        """Return the values."""
        return dict(self._values)


def prepare() -> None:
    """Set what holds for the whole process."""
    sys.set_int_max_str_digits(5_000)
    decimal.setcontext(decimals.CONTEXT.copy())
