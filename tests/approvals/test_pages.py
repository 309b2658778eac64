"""The pages: inbox, request, record, link by mail, absences and the builder; without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.kernel import ref

from trellis.access import accounts
from trellis.approvals import links
from trellis.storage.tables import approvals as t
from trellis.tenant import Tenant
from trellis_admin import create_blueprint
from trellis_admin.session import COOKIE

from .worlds import Company, build, company_of

PASSWORD = "a-good-password"
DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "approval",
        "name": "margin",
        "label": {"en": "Margin check", "zh": "毛利审批"},
        "object": "deal",
        "when": "amount > 100",
        "message": "Small deals need no approval.",
        "fields": ["name", "amount"],
        "lock": {},
        "steps": [
            {
                "name": "manager",
                "label": {"en": "Manager", "zh": "上级"},
                "approvers": [{"manager_of": "owner"}],
                "comment": "on_reject",
            }
        ],
    },
    {
        "kind": "pipeline",
        "name": "sale",
        "object": "deal",
        "field": "stage",
        "stages": [
            {"name": "new"},
            {"name": "won", "label": {"en": "Won", "zh": "赢单"}, "closed": "won", "approval": "margin"},
        ],
    },
]


def make(tenant: Tenant) -> None:
    build(tenant, DOCUMENTS)
    company = company_of(tenant)
    for name in ("ann", "lead", "fin1", "adm"):
        accounts.give_account(tenant, company.people[name], name, password=PASSWORD, admin=name == "adm")


@dataclass
class Browser:
    """Somebody's browser without scripts."""

    http: FlaskClient

    def get(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text[:500]
        return answer.text

    def post(self, path: str, status: int = 303, **form: Any) -> Any:
        answer = self.http.post(path, data=form)
        assert answer.status_code == status, answer.text[:3000]
        return answer


@pytest.fixture
def company(open_copy: Callable[..., Tenant]) -> Company:
    return company_of(open_copy("approval_pages", make))


@pytest.fixture
def browse(company: Company) -> Callable[[str], Browser]:
    class One:
        """The runtime of one tenant, as the blueprint asks for it."""

        def names(self) -> list[str]:
            return ["acme"]

        def tenant(self, name: str) -> Tenant:
            return company.tenant

    app = Flask("approvals_test", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True, TRELLIS_CSRF=False)
    app.register_blueprint(create_blueprint(One()))  # type: ignore[arg-type]

    def opened(who: str) -> Browser:
        client = app.test_client()
        if who:
            client.set_cookie(COOKIE, accounts.log_in(company.tenant, who, PASSWORD).key)
        return Browser(client)

    return opened


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def deal(company: Company, amount: int = 500) -> str:
    company.begin("margin", amount=amount)
    return ref(company.tenant, "deal", company.record)


def test_from_a_refused_move_to_the_stage(company: Company, browse: Callable[[str], Browser]) -> None:
    record, ann, lead = deal(company), browse("ann"), browse("lead")
    answer = ann.post(f"/o/deal/{record}/move/stage", stage="won")
    assert answer.location == f"/o/deal/{record}/submit?approval=margin&field=stage&stage=won"
    assert "the record goes to “Won”" in ann.get(answer.location)
    ann.post(f"/o/deal/{record}/submit", approval="margin", field="stage", stage="won", comment="please")
    page = text(ann.get(f"/o/deal/{record}"))
    assert "Margin check In approval" in page and "Lead is the manager of Ann Waiting" in page
    inbox = lead.get("/approvals")
    assert "Margin check" in inbox and re.search(r'Approvals</span><span class="t-count">1<', inbox)
    (number,) = re.findall(r'href="/approvals/(\d+)"', inbox)
    shown = text(lead.get(f"/approvals/{number}"))
    assert "please" in shown and "500" in shown and "Approve" in shown
    assert "Give a comment" in lead.post(f"/approvals/{number}", 422, action="reject").text
    lead.post(f"/approvals/{number}", action="approve", comment="fine")
    assert company.value("stage") == "won"
    assert "Lead approved" in text(ann.get(f"/approvals/{number}"))
    assert "Nothing waits for you" in lead.get("/approvals")
    assert "Margin check" in lead.get("/approvals?view=decided")
    assert "Margin check" in ann.get("/approvals?view=mine")


def test_who_is_not_concerned_finds_no_page(company: Company, browse: Callable[[str], Browser]) -> None:
    record = deal(company)
    company.do("ann submit")
    other = browse("fin1")
    other.get(f"/approvals/{company.request}", 404)
    other.post(f"/approvals/{company.request}", 404, action="approve")
    other.get(f"/o/deal/{record}/submit", 404)
    assert f"/approvals/{company.request}" not in other.get("/approvals")
    assert browse("").http.get("/approvals").status_code == 303


def test_a_record_that_does_not_need_it_is_told_so(company: Company, browse: Callable[[str], Browser]) -> None:
    record = deal(company, 5)
    answer = browse("ann").post(f"/o/deal/{record}/submit", 422, approval="margin")
    assert "Small deals need no approval." in answer.text


def test_many_are_decided_at_once(company: Company, browse: Callable[[str], Browser]) -> None:
    numbers = []
    for _ in range(3):
        deal(company)
        company.do("ann submit")
        numbers.append(str(company.request))
    lead = browse("lead")
    lead.post("/approvals/decide", request=numbers[:2], verdict="approve")
    answer = lead.post("/approvals/decide", 422, request=numbers, verdict="reject", comment="no")
    assert "1 of 3 decided" in answer.text
    assert "Choose at least one" in lead.post("/approvals/decide", 422, verdict="approve").text


def test_a_link_asks_before_it_decides(company: Company, browse: Callable[[str], Browser]) -> None:
    deal(company)
    company.do(
        "ann submit",
    )
    seat = company.select(sa.select(t.seat.c.id).where(t.seat.c.request == company.request))[0][0]
    with company.tenant.database.writing() as connection:
        made = links.give(connection, company.clock.now(), [(seat, company.people["lead"])])
    path, nobody = f"/approvals/link/{next(iter(made.values()))}", browse("")
    assert "You decide as Lead." in nobody.get(path)
    assert nobody.http.get(path).headers["Referrer-Policy"] == "no-referrer"
    assert company.state() == "pending"
    assert "Give a comment" in nobody.post(path, 422, verdict="reject").text
    assert "You approved the request." in nobody.post(path, 200, verdict="approve").text
    assert company.state() == "approved"
    assert "cannot be used any more" in nobody.get(path, 410)
    assert "cannot be used any more" in nobody.get("/approvals/link/nonsense", 410)


def test_absences_are_noted_and_removed(company: Company, browse: Callable[[str], Browser]) -> None:
    lead = browse("lead")
    dep = ref(company.tenant, "user", company.people["dep"])
    lead.post("/me/absences", starts_on="2041-05-01", ends_on="2041-05-09", stand_in=dep, note="Ten days off")
    page = lead.get("/me/absences")
    assert "Dep stands in" in page and "Ten days off" in page
    assert "already" in lead.post("/me/absences", 422, starts_on="2041-05-03", ends_on="2041-05-04").text
    assert "first and the last day" in lead.post("/me/absences", 422).text
    (number,) = re.findall(r"/me/absences/(\d+)/remove", page)
    browse("ann").post(f"/me/absences/{number}/remove")
    assert "Ten days off" in lead.get("/me/absences")
    lead.post(f"/me/absences/{number}/remove")
    assert "Ten days off" not in lead.get("/me/absences")


FORM = {
    "label": "Margin check",
    "label_zh": "毛利审批",
    "when": "amount > 100",
    "fields": "name, amount",
    "lock": "on",
    "submitter": "on",
    "owner": "on",
    "step": "0",
    "s0.name": "manager",
    "s0.label": "Manager",
    "s0.decide": "first",
    "s0.nobody": "refuse",
    "s0.comment": "on_reject",
    "s0.way": "manager_of",
    "s0.value": "owner",
    "s0.detail": "",
}


def test_the_builder_tries_an_approval_before_it_is_published(
    company: Company, browse: Callable[[str], Browser]
) -> None:
    record, adm = deal(company), browse("adm")
    ann = ref(company.tenant, "user", company.people["ann"])
    assert "Manager" in adm.get("/setup/approvals/margin")
    tried = adm.post("/setup/approvals/margin", 200, **FORM, do="try", record=record, who_submits=ann)
    assert "Lead is the manager of Ann" in text(tried.text)
    changed = {**FORM, "s0.way": "head_of", "s0.value": "branches.top"}
    tried = adm.post("/setup/approvals/margin", 200, **changed, do="try", record=record, who_submits=ann)
    assert "Boss is the head of top" in text(tried.text)
    assert "may find nobody" in tried.text
    more = adm.post("/setup/approvals/margin", 200, **FORM, do="add").text
    assert "2. Step 2" in text(more) or "2. step_2" in text(more)
    wrong = adm.post("/setup/approvals/margin", 422, **{**FORM, "when": "amoun > 1"}, do="review")
    assert "amoun" in wrong.text
    assert "Publish" in adm.post("/setup/approvals/margin", 200, **changed, do="review").text
    assert company.tenant.model().snapshot.get("approval", "margin")["steps"][0]["approvers"] == [  # type: ignore[index]
        {"manager_of": "owner"}
    ]
    browse("ann").get("/setup/approvals", 403)
    browse("ann").post("/setup/approvals/margin", 403, **FORM)


def test_the_form_keeps_what_it_does_not_show() -> None:
    from werkzeug.datastructures import MultiDict

    from trellis_admin.setup_approvals import document_of

    stored = {
        **DOCUMENTS[0],
        "on_approve": [{"name": "x", "action": "set_fields", "with": {"values": {"note": "y"}}}],
        "lock": {"writers": [{"role": "boss"}]},
        "steps": [
            {
                "name": "manager",
                "label": {"en": "Manager"},
                "approvers": [{"manager_of": "owner"}],
                "comment": "on_reject",
                "guidance": "Look twice.",
                "deadline": {"within": "P2D", "remind": ["P1D"]},
            }
        ],
    }
    made = document_of(MultiDict({**FORM, "s0.within": "P3D", "s0.then": "escalate"}), stored)
    assert made["on_approve"] == stored["on_approve"]
    assert made["lock"] == {"writers": [{"role": "boss"}]}
    assert made["steps"][0]["guidance"] == "Look twice."
    assert made["steps"][0]["deadline"] == {"within": "P3D", "then": "escalate", "remind": ["P1D"]}
