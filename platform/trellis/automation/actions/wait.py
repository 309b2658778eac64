"""Wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from trellis.automation.action import Action, Told
from trellis.automation.durations import duration, later_by
from trellis.automation.flow import WAITING, Case, Flow
from trellis.automation.place import Place, Shape
from trellis.automation.step import Step
from trellis.formula import ErrorValue
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.formula.types import Type

DURATION = {
    "description": "An ISO 8601 duration in weeks, days, hours and minutes.",
    "type": "string",
    "pattern": "^P(?!$)([0-9]{1,5}W|([0-9]{1,5}D)?(T(?!$)([0-9]{1,5}H)?([0-9]{1,5}M)?)?)$",
    "examples": ["P3D"],
}
_WAYS = ("for", "until", "until_when")


class Wait(Action):
    """Waits for a while, until a moment, or until a condition holds. The run goes on in the worker, under its version."""

    name = "wait"
    label = {"en": "Wait", "zh": "等待"}
    icon = "clock-pause"
    needs_record = False
    properties = {
        "for": {**DURATION, "description": "How long: an ISO 8601 duration."},
        "until": {
            "description": "Until this date (its beginning in the organisation's zone) or moment. Blank or past: it goes on at once.",
            "type": "string",
            "minLength": 1,
            "maxLength": 20000,
            "x-is": "formula",
            "examples": ["close_date - 3"],
        },
        "until_when": {
            "description": "Until this holds for the record. It is asked at every change of the record.",
            "type": "string",
            "minLength": 1,
            "maxLength": 20000,
            "x-is": "formula",
            "x-returns": "boolean",
            "x-blanks": "zero",
            "examples": ['status = "signed"'],
        },
        "timeout": {
            **DURATION,
            "description": "`until_when`: it goes on after this time all the same; `$steps.<name>.timed_out` tells.",
            "examples": ["P14D"],
        },
        "working_time": {
            "description": "`for` and `timeout` count working time only.",
            "type": "boolean",
            "default": False,
            "examples": [True],
        },
        "calendar": {
            "description": "The calendar of the working time; without it that of the record's owner.",
            "type": "string",
            "maxLength": 40,
            "x-is": "calendar",
            "examples": ["china"],
        },
    }

    def check(self, told: Told, at: str, place: Place) -> Iterable[Diagnostic]:
        ways = [w for w in _WAYS if w in told]
        if len(ways) != 1:
            yield Diagnostic("exactly_one", at, "A wait has exactly one of 'for', 'until', 'until_when'.", "")
        if not place.may_wait:
            yield Diagnostic("no_wait", at, "Nothing can wait here: the steps are done in one go.", "Move it out.")
        if "until_when" in told and place.object is None:
            yield Diagnostic("no_record", f"{at}/until_when", "Without a record no change asks the condition.", "")
        if ("until_when" in told) != ("timeout" in told):
            yield Diagnostic("missing_key", at, "'until_when' and 'timeout' go together: nothing waits for ever.", "")
        if told.get("working_time") and not {"for", "timeout"} & told.keys():
            yield Diagnostic("key_without_effect", f"{at}/working_time", "There is no duration to count.", "Remove it.")
        if "calendar" in told and not told.get("working_time"):
            yield Diagnostic(
                "key_without_effect", f"{at}/calendar", "It counts only with 'working_time'.", "Remove it."
            )

    def shape(self, told: Told, place: Place) -> Shape | None:
        return Shape(None, {"timed_out": Type.BOOLEAN})

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        from trellis.automation.flow import Result
        from trellis.automation.later import enqueue

        at = flow.session.at
        condition = step.formulas.get("until_when")
        holds = flow.evaluate([condition], cases) if condition is not None else [[False] for _ in cases]
        waiting = []
        for case, due, (held,) in zip(cases, self._moments(flow, step, cases), holds, strict=True):
            if not case.live:
                continue
            if held is True or due is None or due <= flow.tx.now:
                case.results[step.name] = Result(None, {"timed_out": False})
                continue
            run = case.run
            run.state, run.position, run.due_at = WAITING, at, due
            run.waits_for = "time" if condition is None else "condition"
            case.tell(outcome="waiting", until=due.isoformat())
            waiting.append(run)
        enqueue(flow.tx, waiting)

    def _moments(self, flow: Flow, step: Step, cases: Sequence[Case]) -> list[datetime | None]:
        told, tx = step.told, flow.tx
        if "until" in step.formulas:
            answers = flow.evaluate([step.formulas["until"]], cases)
            return [self._moment(flow, case, value) for case, (value,) in zip(cases, answers, strict=True)]
        length = duration(told.get("for", told.get("timeout", "P1D")))
        if not told.get("working_time"):
            return [tx.now + length for _ in cases]
        owners = [c.values.get("owner") for c in cases]
        return later_by(tx, tx.now, length, [o.id if o else None for o in owners], told.get("calendar"))

    def _moment(self, flow: Flow, case: Case, value: Any) -> datetime | None:
        if isinstance(value, ErrorValue):
            case.fail(f"The moment cannot be worked out: {value.message}")
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, date):
            zone = ZoneInfo(flow.tx.tenant.time_zone)
            return datetime(value.year, value.month, value.day, tzinfo=zone).astimezone(UTC)
        if value is not None:
            case.fail("'until' gives neither a date nor a moment.")
        return None
