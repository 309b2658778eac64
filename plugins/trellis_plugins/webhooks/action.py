"""The action ``call_webhook``: another system is called, and later steps may use what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from trellis.automation.action import Action, Told
from trellis.automation.checking import check_expression
from trellis.automation.flow import WAITING, Case, Flow, Result
from trellis.automation.later import ANSWER, enqueue, subject_of
from trellis.automation.place import Place, Shape
from trellis.automation.step import BLANKS, Step, formula_of
from trellis.automation.words import as_json
from trellis.deliveries import FAILED, SENT, Outgoing, delivery_of, send_many
from trellis.formula import ErrorValue
from trellis.rules.formulas import Formula, compiled
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.formula.types import Type
from trellis_plugins.webhooks.calling import address, connection_of

PATIENCE = timedelta(days=1)
"""How long a run waits for an answer at most: longer than the last of all attempts."""


class CallWebhook(Action):
    """Calls a connection once per record, after the commit. A call that fails is tried again like every delivery."""

    name = "call_webhook"
    label = {"en": "Call another system", "zh": "调用外部系统"}
    description = {"en": "Over a connection, signed and tried again.", "zh": "通过连接调用，带签名并自动重试。"}
    icon = "webhook"
    needs_record = False
    properties = {
        "connection": {
            "description": "The connection.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "examples": ["erp"],
        },
        "path": {
            "description": "What follows the connection's address.",
            "type": "string",
            "pattern": "^(?:/[A-Za-z0-9._~-]+)+/?$",
            "maxLength": 200,
            "examples": ["/orders"],
        },
        "method": {"description": "The method; without it POST.", "enum": ["POST", "PUT", "GET"], "examples": ["PUT"]},
        "values": {
            "description": 'What is sent as JSON: names, each with a constant or {"formula": …}. Not with GET.',
            "type": "object",
            "minProperties": 1,
            "maxProperties": 100,
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,59}$"},
            "examples": [{"number": {"formula": "name"}, "source": "crm"}],
        },
        "wait_for_answer": {
            "description": "The next step begins when the answer is there; it reads `$steps.<name>.ok`, `.status`, `.body`.",
            "type": "boolean",
            "default": False,
            "examples": [True],
        },
    }
    required = ("connection",)

    def check(self, told: Told, at: str, place: Place) -> Iterator[Diagnostic]:
        known = place.snapshot.of_kind("connection")
        if told["connection"] not in known:
            text = f"There is no connection '{told['connection']}'.{did_you_mean(told['connection'], known)}"
            yield Diagnostic("unknown_reference", f"{at}/connection", text, "")
        for name, value in told.get("values", {}).items():
            formula = formula_of(value)
            if formula is not None:
                yield from check_expression(formula, f"{at}/values/{name}", place)
        if told.get("method") == "GET" and "values" in told:
            yield Diagnostic("key_without_effect", f"{at}/values", "A GET sends nothing.", "Remove it, or take POST.")
        if told.get("wait_for_answer") and not place.may_wait:
            yield Diagnostic("no_wait", at, "Nothing can wait here: the steps are done in one go.", "Move it out.")

    def shape(self, told: Told, place: Place) -> Shape | None:
        if not told.get("wait_for_answer"):
            return None
        return Shape(None, {"ok": Type.BOOLEAN, "status": Type.NUMBER, "body": Type.TEXT})

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        tx, told = flow.tx, step.told
        target = connection_of(tx.model, told["connection"])
        shown, waits = address(target, told.get("path", "")), bool(told.get("wait_for_answer"))
        live = list(zip(cases, self._bodies(flow, step, cases), strict=True))
        ready = [(case, body) for case, body in live if case.live]
        messages = []
        for case, body in ready:
            payload: dict[str, Any] = {
                "connection": target.name,
                "path": told.get("path", ""),
                "event": f"automation.{case.run.automation}",
                "method": told.get("method", "POST"),
                "body": None if told.get("method") == "GET" else body,
            }
            if waits:
                payload["wakes"] = case.run.id
            about = (case.object, case.id) if case.object is not None and case.id is not None else None
            message = Outgoing("webhook", shown, f"{step.name} · {case.run.automation}", payload, about)
            messages.append((message, f"call:{target.name}:{subject_of(case.object, case.id) or case.run.id}"))
        numbers = send_many(tx.connection, tx.now, messages)
        for (case, _), number in zip(ready, numbers, strict=True):
            case.tell(delivery=number)
            if waits:
                self._wait(flow, step, case, number)
        if waits:
            enqueue(tx, [case.run for case, _ in ready])

    def _wait(self, flow: Flow, step: Step, case: Case, number: int) -> None:
        run = case.run
        case.results[step.name] = Result(None, {"delivery": number})
        run.state, run.position, run.waits_for = WAITING, flow.session.at, ANSWER
        run.due_at = flow.tx.now + PATIENCE
        case.tell(outcome="waiting")

    def answer(self, flow: Flow, step: Step, case: Case) -> Mapping[str, Any] | None:
        """Return what came of the call that the run waits for; None while it is under way."""
        kept = case.results[step.name].values
        found = delivery_of(flow.tx.connection, int(kept["delivery"]))
        if found.state == SENT:
            said = found.answer or {}
            return {"ok": True, "status": said.get("status"), "body": said.get("body")}
        return {"ok": False, "status": None, "body": found.note} if found.state == FAILED else None

    def _bodies(self, flow: Flow, step: Step, cases: Sequence[Case]) -> list[dict[str, Any]]:
        given = step.told.get("values", {})
        formulas = {n: _compiled(flow, step, text) for n, v in given.items() if (text := formula_of(v)) is not None}
        answers = flow.evaluate(list(formulas.values()), cases) if formulas else [[] for _ in cases]
        bodies = []
        for case, values in zip(cases, answers, strict=True):
            body = dict(given)
            for name, value in zip(formulas, values, strict=True):
                if isinstance(value, ErrorValue):
                    case.fail(f"'{name}' cannot be worked out: {value.message}")
                body[name] = value if isinstance(value, str) else as_json(value)
            bodies.append(body)
        return bodies


def _compiled(flow: Flow, step: Step, text: str) -> Formula:
    known: dict[tuple[int, str], Formula] = flow.tx.model.cache.setdefault("call_webhook", {})
    key = (id(step), text)
    if key not in known:
        known[key] = compiled(step.place.scope, text, returns=None, blanks=BLANKS)
    return known[key]
