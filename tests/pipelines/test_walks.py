"""Random walks through random pipelines: no door leads to a state that the pipeline forbids, and none is shut without need."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.kernel import create, field, obj, publish, ref, rows, write

from trellis.access.accounts import create_token, create_user
from trellis.app import create_app
from trellis.pipelines.checklist import tick
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis.transaction import RecordsInvalid

from . import oracle

NAMES = ("a", "b", "c", "d", "e")
NUMBERS = itertools.count()


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    names = NAMES[: draw(st.integers(2, 5))]
    closed = draw(st.integers(0, len(names) - 1))
    stages: list[dict[str, Any]] = []
    for position, name in enumerate(names):
        stage: dict[str, Any] = {"name": name}
        if position >= len(names) - closed:
            stage["closed"] = draw(st.sampled_from(["won", "lost", "closed"]))
            if draw(st.booleans()):
                stage["reopen"] = True
        else:
            if draw(st.integers(0, 3)) == 0:
                stage["initial"] = True
            if draw(st.booleans()):
                stage["activities"] = [{"name": "call", "required": True}, {"name": "lunch"}]
        if draw(st.integers(0, 2)) == 0:
            stage["requires"] = draw(st.lists(st.sampled_from(["amount", "note"]), min_size=1, max_size=2, unique=True))
        if draw(st.integers(0, 2)) == 0:
            stage["_above"] = draw(st.integers(0, 3))
        stages.append(stage)
    document = {"kind": "pipeline", "name": "way", "object": "deal", "field": "stage", "stages": stages}
    if draw(st.booleans()):
        pairs = [[x, y] for x in names for y in names if x != y]
        document["moves"] = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8, unique_by=tuple))
    return document


DOORS = st.sampled_from(["transaction", "rest", "bulk", "text"])
VALUES = {"amount": st.sampled_from([None, 0, 1, 2, 3, 4]), "note": st.sampled_from([None, "n"])}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from((None, *NAMES))),
        st.tuples(DOORS, st.fixed_dictionaries({"stage": st.sampled_from(NAMES)}, optional=VALUES)),
        st.tuples(DOORS, st.fixed_dictionaries({"stage": st.sampled_from(NAMES)})),
        st.tuples(DOORS, st.fixed_dictionaries({}, optional=VALUES)),
        st.tuples(st.just("tick"), st.sampled_from(["call", "lunch"])),
        st.tuples(st.just("delete and restore"), st.none()),
    ),
    min_size=8,
    max_size=30,
)


def published(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the conditions as formulas."""
    stages = []
    for stage in document["stages"]:
        plain = {k: v for k, v in stage.items() if k != "_above"}
        if "_above" in stage:
            plain["enter_when"] = f"amount > {stage['_above']}"
        stages.append(plain)
    return {**document, "stages": stages}


class Doors:
    """The ways in which a record is changed; each answers whether the change was accepted."""

    def __init__(self, tenant: Tenant, client: Any, token: str) -> None:
        self.tenant, self.client = tenant, client
        self.headers = {"Authorization": f"Bearer {token}"}

    def transaction(self, record: int, values: dict[str, Any]) -> bool:
        return accepted(lambda: write(self.tenant, lambda tx: tx.update("deal", [{"id": record, **values}])))

    def text(self, record: int, values: dict[str, Any]) -> bool:
        row = {"id": record, **{k: "" if v is None else str(v) for k, v in values.items()}}
        return accepted(lambda: write(self.tenant, lambda tx: tx.update("deal", [row], from_text=True)))

    def rest(self, record: int, values: dict[str, Any]) -> bool:
        url = f"/api/v1/records/deal/{ref(self.tenant, 'deal', record)}"
        answer = self.client.patch(url, json=values, headers=self.headers)
        assert answer.status_code in (200, 422), answer.text
        return bool(answer.status_code == 200)

    def bulk(self, record: int, values: dict[str, Any]) -> bool:
        line = json.dumps({"id": ref(self.tenant, "deal", record), **values})
        answer = self.client.post(
            "/api/v1/records/deal/bulk?operation=update&mode=partial",
            data=io.BytesIO(line.encode()),
            headers={**self.headers, "Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text.splitlines()[0])["action"] != "refused"


def accepted(body: Callable[[], object]) -> bool:
    try:
        body()
    except RecordsInvalid:
        return False
    return True


@pytest.fixture
def doors(tenant: Tenant, runtime: Runtime) -> Doors:
    user = create_user(tenant, login="walker", name="Walker", password="a-long-passphrase", admin=True)
    app = create_app(runtime, default_tenant="acme")
    return Doors(tenant, app.test_client(), create_token(tenant, user, "walks"))


@settings(
    max_examples=int(os.environ.get("TRELLIS_FUZZ_EXAMPLES", "80")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(document=pipelines(), steps=STEPS)
def test_no_door_leads_past_the_pipeline(doors: Doors, document: dict[str, Any], steps: list[tuple[str, Any]]) -> None:
    tenant = doors.tenant
    fields = [field("amount", "integer"), field("note"), field("stage", "stage", pipelines=["way"])]
    publish(tenant, obj("deal", *fields), published(document))
    known: dict[int, dict[str, Any]] = {}
    done: set[tuple[str, str]] = set()
    record = 0
    for door, given_values in [("create", None), *steps]:
        if door == "create":
            stage = given_values or oracle.initial(document)[0]
            new = {"amount": None, "note": None, "stage": stage}
            made: list[int] = []
            row = {} if given_values is None else {"stage": given_values}
            assert accepted(lambda: made.extend(create(tenant, "deal", row))) == oracle.may(  # noqa: B023
                document, None, new, set()
            ), (door, new)
            if made:
                record, done = made[0], set()
                known[record] = new
        elif not record:
            continue  # the first stage itself asks for something that a new record has not
        elif door == "tick":
            stage_doc = next(s for s in document["stages"] if s["name"] == known[record]["stage"])
            if any(a["name"] == given_values for a in stage_doc.get("activities", ())):
                write(tenant, lambda tx: tick(tx, "deal", record, "stage", given_values, is_done=True))  # noqa: B023
                done.add((stage_doc["name"], given_values))
        elif door == "delete and restore":
            write(tenant, lambda tx: tx.delete("deal", [record]))  # noqa: B023
            write(tenant, lambda tx: tx.restore("deal", [record]))  # noqa: B023
        else:
            new = {**known[record], **given_values}
            expected = oracle.may(document, known[record], new, done)
            assert getattr(doors, door)(record, given_values) == expected, (door, known[record], new, done)
            if expected:
                known[record] = new
    stored = {r["id"]: {k: r[k] for k in ("amount", "note", "stage")} for r in rows(tenant, "deal")}
    assert {k: stored[ref(tenant, "deal", k)] for k in known} == known
