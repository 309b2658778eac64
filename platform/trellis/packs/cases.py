"""Cases: what a pack promises, as given–when–then in JSON, run against metadata as the customer has them.

::

    {"name": "lead_needs_name", "story": {"en": "A lead without a name is refused.", "zh": "…"},
     "clock": "2026-11-20T09:00:00Z", "people": [{"name": "ann"}],
     "given": [{"id": "acme", "object": "account", "values": {"name": "Acme"}}],
     "when": [{"as": "ann", "create": "lead", "values": {"company": "X"}, "refused": {"name": "required"}}],
     "then": [{"as": "ann", "find": "lead", "count": 0}]}

``{"told": "ann", "count": 1}`` expects messages in Ann's notifications centre. A step ``{"wait": "P3D"}`` moves the clock and does
what fell due meanwhile. ``@acme`` in a value stands for the record ``acme`` (a person too). Each case starts with no records but what is given.
Steps go through the rights of the person they name; ``given`` is written by the system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trellis.access import Cause, Principal
from trellis.access.accounts import create_user, principal_of
from trellis.access.principal import SYSTEM
from trellis.approvals.deciding import vote
from trellis.approvals.following import live_requests
from trellis.approvals.submitting import submit
from trellis.jobs import Worker
from trellis.notifications import notifications_of
from trellis.packs.scratch import START, Scratch
from trellis.query import run_query
from trellis.query.query import read_query
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid, Transaction
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError
from trellis_metadata.labels import text_of

_CAUSE = Cause("case")
_VERBS = ("create", "update", "delete", "submit", "approve", "reject", "wait")
_DECIDING = ("submit", "approve", "reject")
_KEYS: Mapping[str, frozenset[str]] = {
    "case": frozenset({"$file", "name", "story", "clock", "people", "given", "when", "then"}),
    "people": frozenset({"name", "admin", "permission_sets", "manager"}),
    "given": frozenset({"id", "object", "values", "owner"}),
    "when": frozenset({"as", "id", "values", "refused", "denied", "approval", "move", "comment", *_VERBS}),
    "then": frozenset({"as", "record", "find", "where", "count", "values", "missing", "told"}),
}
_FORMS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    **dict.fromkeys(("name", "as", "id", "object", "create", "update", "delete", "submit", "approve"), (str, "a name")),
    **dict.fromkeys(("reject", "approval", "comment", "owner", "manager", "record", "find", "told"), (str, "a name")),
    **dict.fromkeys(("values", "refused", "move"), (dict, "an object")),
    **dict.fromkeys(("admin", "denied", "missing"), (bool, "true or false")),
    "clock": (str, "a time such as 2026-11-20T09:00:00Z"),
    "count": (int, "a whole number"),
    "permission_sets": (list, "a list of names"),
    "story": ((str, dict), "a text"),
    "wait": (str, "a duration such as P3D or PT2H"),
    "where": ((str, dict), "a filter"),
}
"""Types of the keys, whatever they stand in, with words for them."""
_DURATION = re.compile(r"P(?=[\dT])(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?)?$")


def problems_of(case: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the form of a case."""
    place = str(case.get("$file", case.get("name", "case")))
    for part, entries in (("case", [case]), *((k, case.get(k, [])) for k in ("people", "given", "when", "then"))):
        at = "" if part == "case" else f"/{part}"
        if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
            yield Diagnostic("wrong_type", at, f"'{part}' is a list of objects.", "", place)
            continue
        for index, entry in enumerate(entries):
            pointer = at if part == "case" else f"{at}/{index}"
            for key in sorted(set(entry) - _KEYS[part]):
                known = ", ".join(sorted(_KEYS[part] - {"$file"}))
                yield Diagnostic("unknown_key", f"{pointer}/{key}", f"Unknown key '{key}'.", f"Known: {known}.", place)
            yield from _wrong_values(entry, pointer, place)
    for key in ("name", "story", "then"):
        if not case.get(key) and not (key == "then" and case.get("when")):
            yield Diagnostic("missing_key", f"/{key}", f"'{key}' is missing.", "", place)
    for index, step in enumerate(case.get("when", ()) if isinstance(case.get("when"), list) else ()):
        if sum(v in step for v in _VERBS) != 1:
            yield Diagnostic("bad_step", f"/when/{index}", f"A step does one of {', '.join(_VERBS)}.", "", place)


def _wrong_values(entry: Mapping[str, Any], pointer: str, place: str) -> Iterator[Diagnostic]:
    """Yield the keys of one part of a case whose values are not of the form that they must have."""
    for key, value in entry.items():
        if key not in _FORMS:
            continue
        form, words = _FORMS[key]
        fits = isinstance(value, form) and (form is not int or not isinstance(value, bool))
        if fits and key == "clock":
            fits = _clock(value) is not None
        elif fits and key == "wait":
            fits = _DURATION.match(value) is not None
        elif fits and key == "move":
            fits = set(value) == {"field", "to"}
        if not fits:
            said = f"'{key}' is {str(value)[:60]!r}, expected {words}."
            yield Diagnostic("wrong_type", f"{pointer}/{key}", said, "", place)


def _clock(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass
class Report:
    """What came of one case. ``failures`` are sentences; none means that the case holds."""

    name: str
    story: Any
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the report with the story in ``language``."""
        story = text_of(self.story, language, self.name)
        return {"name": self.name, "story": story, "passed": self.passed, "failures": list(self.failures)}


def run_cases(scratch: Scratch, cases: Sequence[Mapping[str, Any]]) -> list[Report]:
    """Run every case in a tenant of its own and return a report for each, in order."""
    return [_run(scratch, case) for case in cases]


def _run(scratch: Scratch, case: Mapping[str, Any]) -> Report:
    report = Report(str(case.get("name", "")), case.get("story", ""))
    found = list(problems_of(case))
    if found:
        report.failures += [f"{d.pointer}: {d.message}" for d in found]
        return report
    with scratch.tenant(_clock(case.get("clock", "")) or START) as tenant:
        _Play(tenant, scratch, report).play(case)
    return report


class _Play:
    """Plays one case."""

    def __init__(self, tenant: Tenant, scratch: Scratch, report: Report) -> None:
        self.tenant, self.scratch, self.report = tenant, scratch, report
        self.known: dict[str, tuple[str, int]] = {}
        self.people: dict[str, Principal] = {}

    def play(self, case: Mapping[str, Any]) -> None:
        """Do everything that the case says; a surprise ends it."""
        try:
            for person in case.get("people", ()):
                self._person(person)
            for index, given in enumerate(case.get("given", ())):
                self._given(given, index)
            for index, step in enumerate(case.get("when", ())):
                self._step(step, f"Step {index + 1}")
            for index, expected in enumerate(case.get("then", ())):
                self._then(expected, f"Expectation {index + 1}")
        except (TrellisError, KeyError) as problem:
            self.report.failures.append(f"The case could not be played: {_said(problem)}")

    def _person(self, person: Mapping[str, Any]) -> None:
        name = person["name"]
        sets = {"permission_sets": person["permission_sets"]} if "permission_sets" in person else {}
        above = {"manager": self._filled(f"@{person['manager']}")} if "manager" in person else {}
        number = create_user(
            self.tenant, login=name, name=name.capitalize(), admin=bool(person.get("admin")), **sets, **above
        )
        with self.tenant.database.reading() as connection:
            found = principal_of(self.tenant, connection, number)
        assert found is not None
        self.people[name], self.known[name] = found, ("user", number)

    def _who(self, entry: Mapping[str, Any]) -> Principal:
        return self.people[entry["as"]] if "as" in entry else SYSTEM

    def _given(self, given: Mapping[str, Any], index: int) -> None:
        values = self._filled(given.get("values", {}))
        if "owner" in given:
            values["owner"] = self._filled(f"@{given['owner']}")
        number = self._write(SYSTEM, lambda tx: tx.create(given["object"], [values]))
        self.known[given.get("id", f"given{index}")] = (given["object"], number)

    def _write(self, who: Principal, body: Any) -> int:
        outcomes = self.tenant.run(who, _CAUSE, body)
        return int(outcomes[0].id or 0)

    def _step(self, step: Mapping[str, Any], at: str) -> None:
        verb = next(v for v in _VERBS if v in step)
        if verb == "wait":
            self.scratch.clock.advance(_duration(step["wait"]))
            # What fell due meanwhile happens: reminders, waits, schedules.
            Worker(self.tenant).run_until_idle()
            return
        refusal = self._attempt(step, verb)
        if "denied" in step or "refused" in step:
            self._compare_refusal(step, refusal, at)
        elif refusal is not None:
            self.report.failures.append(f"{at} ({verb} {step[verb]}) was refused: {_said(refusal)}")

    def _attempt(self, step: Mapping[str, Any], verb: str) -> TrellisError | None:
        values = self._filled(step.get("values", {}))
        if verb in _DECIDING:
            return self._decide(step, verb)

        def body(tx: Transaction) -> Any:
            if verb == "create":
                return tx.create(step["create"], [values])
            name, number = self.known[step[verb]]
            return tx.update(name, [{"id": number, **values}]) if verb == "update" else tx.delete(name, [number])

        try:
            number = self._write(self._who(step), body)
        except TrellisError as refusal:
            return refusal
        if verb == "create":
            self.known[step.get("id", "")] = (step["create"], number)
        return None

    def _decide(self, step: Mapping[str, Any], verb: str) -> TrellisError | None:
        """Submit a record for an approval, or approve or reject its request that is open."""
        name, number = self.known[step[verb]]

        def body(tx: Transaction) -> None:
            if verb == "submit":
                move = step.get("move")
                target = (move["field"], move["to"]) if move else None
                submit(tx, name, [number], step["approval"], comment=step.get("comment"), move=target)
                return
            for request in live_requests(tx.connection, [number]):
                vote(tx, request, verb, comment=step.get("comment"), via="case")

        try:
            self.tenant.run(self._who(step), _CAUSE, body)
        except TrellisError as refusal:
            return refusal
        return None

    def _compare_refusal(self, step: Mapping[str, Any], refusal: TrellisError | None, at: str) -> None:
        if refusal is None:
            self.report.failures.append(f"{at} was accepted, but must be refused.")
        elif "denied" in step:
            if isinstance(refusal, RecordsInvalid) and not _codes(refusal).get("_record"):
                self.report.failures.append(f"{at} must be denied, but was refused: {_said(refusal)}")
        else:
            found = _codes(refusal)
            for name, code in step["refused"].items():
                if code not in found.get(name, ()):
                    told = "; ".join(f"{k}: {', '.join(v)}" for k, v in found.items()) or _said(refusal)
                    self.report.failures.append(f"{at} must be refused with '{code}' at '{name}'; found {told}.")

    def _then(self, expected: Mapping[str, Any], at: str) -> None:
        if "told" in expected:
            who = self.people[expected["told"]]
            with self.tenant.database.reading() as connection:
                found = notifications_of(connection, self.tenant.model_in(connection), who)
            if len(found) != expected.get("count", 1):
                self.report.failures.append(
                    f"{at}: '{expected['told']}' was told {len(found)} time(s), not {expected.get('count', 1)}."
                )
            return
        if "find" in expected:
            rows = self._rows(expected, expected["find"], self._filled(expected.get("where")))
            if "count" in expected and len(rows) != expected["count"]:
                self.report.failures.append(
                    f"{at}: expected {expected['count']} of '{expected['find']}', found {len(rows)}."
                )
            for row in rows if "values" in expected else ():
                self._compare(expected, row, at)
            return
        name, number = self.known[expected["record"]]
        where = {"field": "id", "op": "=", "value": self.tenant.model().env.format_id(name, number)}
        rows = self._rows(expected, name, where)
        if expected.get("missing"):
            if rows:
                self.report.failures.append(f"{at}: '{expected['record']}' can be seen, but must not.")
        elif not rows:
            self.report.failures.append(f"{at}: '{expected['record']}' cannot be seen.")
        else:
            self._compare(expected, rows[0], at)

    def _rows(self, expected: Mapping[str, Any], name: str, where: Any) -> list[dict[str, Any]]:
        query: dict[str, Any] = {"limit": 1000, **({"filter": where} if where else {})}
        if expected.get("values"):
            query["fields"] = list(expected["values"])
        with self.tenant.database.reading() as connection:
            model = self.tenant.model_in(connection)
            page = run_query(self.tenant, connection, model, self._who(expected), read_query(name, query))
        return list(page.rows)

    def _compare(self, expected: Mapping[str, Any], row: Mapping[str, Any], at: str) -> None:
        for path, wanted in self._filled(expected.get("values", {})).items():
            found = row.get(path)
            if not _matches(wanted, found):
                self.report.failures.append(f"{at}: '{path}' must be {_shown(wanted)}, found {_shown(found)}.")

    def _filled(self, value: Any) -> Any:
        """Return a value with ``@name`` replaced by the id of the record."""
        if isinstance(value, Mapping):
            return {k: self._filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._filled(v) for v in value]
        if isinstance(value, str) and value.startswith("@") and value[1:] in self.known:
            return self.tenant.model().env.format_id(*self.known[value[1:]])
        return value


def _matches(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(_matches(v, found.get(k)) for k, v in wanted.items())
    return bool(wanted == found)


def _codes(refusal: TrellisError) -> dict[str, list[str]]:
    if not isinstance(refusal, RecordsInvalid):
        return {"_record": [refusal.code]}
    errors = refusal.errors[0] if refusal.errors else {}
    return {name: [e["code"] for e in found] for name, found in (errors or {}).items() if isinstance(found, list)}


def _said(problem: Exception) -> str:
    if isinstance(problem, RecordsInvalid):
        errors = next((e for e in problem.errors if e), {})
        told = [f"{n}: {e['message']}" for n, found in errors.items() for e in found if isinstance(e, Mapping)]
        return "; ".join(told) or problem.message
    if isinstance(problem, KeyError):
        return f"nobody and nothing is called {problem}."
    return getattr(problem, "message", str(problem))


def _shown(value: Any) -> str:
    return "blank" if value is None else repr(value)


def _duration(text: str) -> timedelta:
    match = _DURATION.match(text)
    if match is None:
        raise KeyError(text)
    days, hours, minutes = (int(g or 0) for g in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)
