"""A company whose deals are approved, and a small language in which cases tell what people do.

A line of a case is ``who verb [argument]``, with ``=> code`` if it is refused. Verbs: ``submit [stage]``, ``approve``, ``reject``,
``override``, ``refuse`` (an administrator's rejection), ``take``, ``pass TO``, ``send_back``, ``resubmit``, ``ask``, ``answer``,
``remind``, ``recall``, ``set FIELD=VALUE``, ``move STAGE``, ``delete``, ``restore``, ``leave``, ``away STAND_IN``, and ``clock PT2H``. What follows a
``:`` is the comment.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support import kernel
from support.kernel import ADMIN, API, obj, publish, ref, rows

from trellis import absences
from trellis.access import Principal, memberships
from trellis.access.accounts import create_user
from trellis.access.decide import may
from trellis.access.grants import grants_of
from trellis.approvals import changing, deciding, submitting
from trellis.clock import FakeClock, today
from trellis.jobs import Worker
from trellis.locks import locks_of
from trellis.pipelines.pipeline import duration
from trellis.record_id import parse_id
from trellis.storage.tables import approvals as t
from trellis.storage.tables.absences import absence
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid
from trellis_metadata.errors import TrellisError

PEOPLE: dict[str, dict[str, Any]] = {
    "adm": {"admin": True},
    "boss": {"roles": ["boss"], "heads": ["branches.top"]},
    "lead": {"manager": "boss", "heads": ["branches.east"]},
    "ann": {"manager": "lead", "units": ["branches.east"], "groups": ["sellers"]},
    "bob": {"manager": "lead", "units": ["branches.west"], "groups": ["sellers"]},
    "fin1": {"manager": "boss", "groups": ["finance"]},
    "fin2": {"manager": "boss", "groups": ["finance"]},
    "fin3": {"manager": "boss", "groups": ["finance"]},
    "dep": {"manager": "boss"},
    "gone": {"groups": ["finance"]},
}
BASE: list[dict[str, Any]] = [
    {"kind": "role", "name": "boss"},
    {"kind": "group", "name": "finance"},
    {"kind": "group", "name": "sellers"},
    {"kind": "group", "name": "nobody"},
    {
        "kind": "org_unit_tree",
        "name": "branches",
        "units": [{"name": "top"}, {"name": "east", "parent": "top"}, {"name": "west", "parent": "top"}],
    },
]


def deal(*pipelines: str) -> dict[str, Any]:
    stages = [kernel.field("stage", "stage", pipelines=list(pipelines))] if pipelines else []
    return obj(
        "deal",
        kernel.field("name"),
        kernel.field("amount", "number", scale=2),
        kernel.field("note"),
        kernel.field("second", "user"),
        *stages,
        sharing={"default": "private", "hierarchy": False},
    )


@dataclass
class Company:
    """A tenant with people and one deal at a time."""

    tenant: Tenant
    clock: FakeClock
    people: dict[str, int]
    record: int = 0
    request: int = 0
    approval: str = ""
    log: list[str] = field(default_factory=list)

    def principal(self, name: str) -> Principal:
        """Return somebody as a principal with the standard rights."""
        admin = bool(PEOPLE[name].get("admin"))
        return Principal("person", self.people[name], name, admin, grants=grants_of(self.tenant.model(), ["standard"]))

    def names(self, users: Any) -> list[str]:
        known = {number: name for name, number in self.people.items()}
        return [known.get(u, "group" if u is not None else "nobody") for u in users]

    def write(self, who: str, body: Callable[[Any], Any], **more: Any) -> Any:
        return self.tenant.run(replace(self.principal(who), **more), API, body)

    def select(self, query: Any) -> list[Any]:
        with self.tenant.database.reading() as connection:
            return list(connection.execute(query))

    # -- what cases expect ---------------------------------------------------------------------------------------

    def state(self) -> str:
        return str(self.select(sa.select(t.request.c.state).where(t.request.c.id == self.request))[0][0])

    def asked(self) -> list[str]:
        c, s = t.seat.c, t.step.c
        query = sa.select(c.holder).join(t.step, s.id == c.step).where(c.request == self.request, c.state == "open")
        return sorted(self.names([r[0] for r in self.select(query)]))

    def open_steps(self) -> list[str]:
        c = t.step.c
        query = sa.select(c.name).where(c.request == self.request, c.state == "open").order_by(c.position)
        return [r[0] for r in self.select(query)]

    def events(self) -> list[str]:
        c = t.event.c
        return [r[0] for r in self.select(sa.select(c.kind).where(c.request == self.request).order_by(c.id))]

    def locked(self) -> bool:
        with self.tenant.database.reading() as connection:
            return self.record in locks_of(connection, [self.record])

    def value(self, name: str) -> Any:
        found = rows(self.tenant, "deal", fields=["id", name])
        return next(r[name] for r in found if parse_id(r["id"], ["deal"])[1] == self.record)

    def reads(self, who: str) -> bool:
        with self.tenant.database.reading() as connection:
            model = self.tenant.model_in(connection)
            return may(connection, self.principal(who), model, model.object("deal"), self.record, "read")

    def told(self, who: str) -> list[str]:
        from trellis.storage.tables.people import notification

        c = notification.c
        query = sa.select(c.kind).where(c.user == self.people[who], c.url == f"/approvals/{self.request}")
        return [r[0].removeprefix("approval_") for r in self.select(query.order_by(c.id))]

    # -- what people do ------------------------------------------------------------------------------------------

    def begin(self, approval: str, owner: str = "ann", **values: Any) -> None:
        """Make a deal."""
        self.approval, self.request = approval, 0
        row = {"name": "d", "owner": ref(self.tenant, "user", self.people[owner]), **values}
        if "second" in values:
            row["second"] = ref(self.tenant, "user", self.people[values["second"]])
        self.record = kernel.create(self.tenant, "deal", row)[0]

    def do(self, line: str) -> None:
        """Do one line of a case; fail unless it is refused as told."""
        line, _, expected = (part.strip() for part in line.partition("=>"))
        words, _, comment = (part.strip() for part in line.partition(":"))
        who, verb, *rest = words.split(" ", 2)
        argument = rest[0] if rest else ""
        found = ""
        try:
            if who == "clock":
                self.clock.advance(duration(verb))
                Worker(self.tenant).run_until_idle()
            else:
                getattr(self, f"_{verb}")(who, argument, comment or None)
        except RecordsInvalid as refused:
            found = refused.code + ": " + ", ".join(sorted({e["code"] for x in refused.errors[0].values() for e in x}))  # type: ignore[union-attr]
            found = found.removeprefix("invalid_record: ")
        except TrellisError as refused:
            found = refused.code
        assert found == expected, f"{line!r}: found {found or 'accepted'!r}, expected {expected or 'accepted'!r}"

    def _submit(self, who: str, stage: str, comment: str | None) -> None:
        move = ("stage", stage) if stage else None
        self.request = self.write(
            who, lambda tx: submitting.submit(tx, "deal", [self.record], self.approval, comment=comment, move=move)
        )[0]

    def _approve(self, who: str, step: str, comment: str | None) -> None:
        self.write(who, lambda tx: deciding.vote(tx, self.request, "approve", comment=comment, step=step or None))

    def _reject(self, who: str, step: str, comment: str | None) -> None:
        self.write(who, lambda tx: deciding.vote(tx, self.request, "reject", comment=comment, step=step or None))

    def _override(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: deciding.override(tx, self.request, "approve", comment))

    def _refuse(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: deciding.override(tx, self.request, "reject", comment))

    def _take(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.take(tx, self.request))

    def _pass(self, who: str, to: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.reassign(tx, self.request, self.people[to], comment=comment))

    def _send_back(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.send_back(tx, self.request, comment))

    def _resubmit(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: submitting.resubmit(tx, self.request, comment=comment))

    def _ask(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.ask_submitter(tx, self.request, comment))

    def _answer(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.answer(tx, self.request, comment))

    def _remind(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.remind(tx, self.request))

    def _recall(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: changing.recall(tx, self.request, comment=comment))

    def _set(self, who: str, change: str, comment: str | None) -> None:
        name, _, value = change.partition("=")
        sent: Any = ref(self.tenant, "user", self.people[value]) if name in ("owner", "second") else value
        self.write(who, lambda tx: tx.update("deal", [{"id": self.record, name: sent or None}]))

    def _move(self, who: str, stage: str, comment: str | None) -> None:
        self._set(who, f"stage={stage}", comment)

    def _delete(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: tx.delete("deal", [self.record]))

    def _restore(self, who: str, _: str, comment: str | None) -> None:
        self.write(who, lambda tx: tx.restore("deal", [self.record]))

    def _leave(self, who: str, _: str, comment: str | None) -> None:
        self.tenant.run(ADMIN, API, lambda tx: tx.update("user", [{"id": self.people[who], "active": False}]))

    def _away(self, who: str, stand_in: str, comment: str | None) -> None:
        day = today(self.clock, self.tenant.time_zone)
        number = self.people[stand_in] if stand_in else None
        self.write(who, lambda tx: absences.add(tx, self.people[who], day, day + timedelta(days=30), stand_in=number))

    def tidy(self) -> None:
        """Make people as they were before the case."""
        with self.tenant.database.writing() as connection:
            connection.execute(absence.delete())
        ids = [{"id": n, "active": True} for name, n in self.people.items() if name != "gone"]
        self.tenant.run(ADMIN, API, lambda tx: tx.update("user", ids))


def build(tenant: Tenant, documents: list[dict[str, Any]]) -> None:
    """Make the company with approvals (and pipelines, whose names the deal's stage field gets)."""
    pipelines = [d["name"] for d in documents if d["kind"] == "pipeline"]
    publish(tenant, *BASE, deal(*pipelines), *documents)
    people: dict[str, int] = {}
    wanted = []
    for name, given in PEOPLE.items():
        manager = {"manager": ref(tenant, "user", people[given["manager"]])} if "manager" in given else {}
        people[name] = create_user(
            tenant, login=name, name=name.capitalize(), admin=given.get("admin", False), **manager
        )
        for kind, key in (("role", "roles"), ("group", "groups"), ("unit", "units"), ("unit_head", "heads")):
            wanted += [(people[name], kind, n) for n in given.get(key, ())]
    memberships.add_many(tenant, wanted)
    tenant.run(ADMIN, API, lambda tx: tx.update("user", [{"id": people["gone"], "active": False}]))


def company_of(tenant: Tenant) -> Company:
    """Return a built company, whose clock stands still."""
    clock = FakeClock(tenant.clock.now())
    tenant.clock = clock
    found = rows(tenant, "user", fields=["id", "login"])
    return Company(tenant, clock, {r["login"]: parse_id(r["id"], ["user"])[1] for r in found})


def load(name: str) -> list[dict[str, Any]]:
    """Read the cases of a file."""
    cases: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cases" / f"{name}.json").read_text("utf-8"))
    return cases
