"""A small company with two branches, and questions about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from support import kernel
from support.kernel import ADMIN, create, obj, publish, ref

from trellis.access import memberships
from trellis.access.accounts import create_user
from trellis.access.principal import SYSTEM
from trellis.named_people import Named, resolve
from trellis.rules.reader import Onlooker
from trellis.tenant import Tenant

DOCUMENTS: list[dict[str, Any]] = [
    {"kind": "role", "name": "boss", "label": {"en": "Boss", "zh": "老板"}},
    {"kind": "role", "name": "finance", "label": "Finance", "parent": "boss"},
    {"kind": "role", "name": "seller", "parent": "boss"},
    {"kind": "group", "name": "committee", "label": {"en": "Price committee", "zh": "价格委员会"}},
    {"kind": "group", "name": "money", "members": [{"role": "finance"}]},
    {"kind": "group", "name": "empty"},
    {
        "kind": "org_unit_tree",
        "name": "branches",
        "units": [
            {"name": "head_office", "label": {"en": "Head office", "zh": "总部"}},
            {"name": "east", "parent": "head_office"},
            {"name": "shanghai", "parent": "east"},
            {"name": "west", "parent": "head_office"},
        ],
    },
    {
        "kind": "decision_table",
        "name": "approvers",
        "label": "Approvers",
        "keys": [{"name": "amount", "type": "number", "match": "range"}],
        "values": [{"name": "who", "type": "text"}],
        "rows": [
            {"name": "small", "when": {"amount": {"to": 100}}, "then": {"who": "finance"}},
            {"name": "large", "when": {"amount": {"from": 100}}, "then": {"who": "boss"}},
        ],
    },
    obj("account", kernel.field("name"), kernel.field("keeper", "user")),
    obj(
        "deal",
        kernel.field("name"),
        kernel.field("amount", "number", scale=2),
        kernel.field("second", "user"),
        kernel.field("account", "lookup", target="account"),
    ),
]
PEOPLE: dict[str, dict[str, Any]] = {
    "ceo": {"roles": ["boss"], "heads": ["branches.head_office"], "units": ["branches.head_office"]},
    "director": {"manager": "ceo", "roles": ["boss"]},
    "gone": {"manager": "director", "roles": ["finance"], "groups": ["committee"], "heads": ["branches.west"]},
    "lead": {"manager": "gone", "units": ["branches.east"], "heads": ["branches.east"]},
    "ann": {"manager": "lead", "roles": ["seller"], "units": ["branches.shanghai"]},
    "bob": {"manager": "ann", "roles": ["seller"], "units": ["branches.west"]},
    "fin_east": {"roles": ["finance"], "units": ["branches.east"], "groups": ["committee"]},
    "fin_top": {"roles": ["finance"], "units": ["branches.head_office"]},
    "loner": {},
}


@dataclass
class Company:
    """A tenant with people by login."""

    tenant: Tenant
    people: dict[str, int] = field(default_factory=dict)

    def login(self, user: int) -> str:
        return next(name for name, number in self.people.items() if number == user)

    def deal(self, owner: str = "ann", **values: Any) -> int:
        row = {"name": "d", "owner": ref(self.tenant, "user", self.people[owner]), **values}
        return create(self.tenant, "deal", row)[0]

    def person(self, name: str) -> str:
        return ref(self.tenant, "user", self.people[name])

    def ask(self, rules: Sequence[dict[str, Any]], records: Sequence[int], actor: str | None = "bob") -> list[Named]:
        with self.tenant.database.reading() as connection:
            model = self.tenant.model_in(connection)
            root = model.object("deal")
            from trellis.transaction.statements import statements_of

            stored = statements_of(root).fetch(connection, list(records))
            reader = Onlooker(self.tenant, connection, model, SYSTEM, self.tenant.clock.now())
            number = None if actor is None else self.people[actor]
            return resolve(reader, root, rules, [stored[r] for r in records], [number] * len(records))


def build(tenant: Tenant) -> None:
    """Make the company."""
    publish(tenant, *DOCUMENTS)
    people: dict[str, int] = {}
    wanted = []
    for name, given in PEOPLE.items():
        manager = {"manager": ref(tenant, "user", people[given["manager"]])} if "manager" in given else {}
        people[name] = create_user(tenant, login=name, name=name.capitalize(), **manager)
        for kind, key in (("role", "roles"), ("group", "groups"), ("unit", "units"), ("unit_head", "heads")):
            wanted += [(people[name], kind, n) for n in given.get(key, ())]
    memberships.add_many(tenant, wanted)
    tenant.run(
        ADMIN,
        kernel.API,
        lambda tx: tx.update("user", [{"id": people["gone"], "active": False}]),
    )


def company_of(tenant: Tenant) -> Company:
    """Return a built company with its people."""
    return Company(tenant, {r["login"]: _number(r["id"]) for r in kernel.rows(tenant, "user", fields=["id", "login"])})


def _number(text: str) -> int:
    from trellis.record_id import parse_id

    return parse_id(text, ["user"])[1]
