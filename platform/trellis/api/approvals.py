"""Requests for approval: submit, decide, pass on, and see what waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from trellis.access.objects import known_object
from trellis.api import reading as incoming
from trellis.api.answers import answer
from trellis.api.context import Api, Reading
from trellis.api.errors import BadRequest
from trellis.api.metadata import loaded
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.approvals import changing, deciding, previewing, reading, submitting
from trellis.approvals.approval import approval_of
from trellis.approvals.desk import Desk
from trellis.query import get_record
from trellis.record_id import MAX_ID
from trellis.rules.reader import Onlooker
from trellis.transaction import Transaction

VIEWS = ("waiting", "mine", "decided")
_COMMENT: dict[str, Any] = {
    "load_default": None,
    "allow_none": True,
    "validate": validate.Length(max=deciding.MAX_COMMENT),
}


class MoveSchema(Schema):
    """The stage into which the records go once they are approved."""

    field = fields.String(required=True)
    to = fields.String(required=True)


class ApprovalSubmissionSchema(Schema):
    """Records to be submitted for an approval; all or none."""

    object = fields.String(required=True)
    records = fields.List(fields.String(), required=True, validate=validate.Length(min=1, max=500))
    approval = fields.String(required=True)
    comment = fields.String(**_COMMENT)
    move = fields.Nested(MoveSchema, load_default=None, allow_none=True)


class ApprovalVoteSchema(Schema):
    """A decision. `step` names one of several steps in which one is asked at the same time."""

    verdict = fields.String(required=True, validate=validate.OneOf(tuple(deciding.VERDICTS)))
    comment = fields.String(**_COMMENT)
    step = fields.String(load_default=None, allow_none=True)


class ApprovalVotesSchema(Schema):
    """One decision about several requests; each is accepted or refused by itself."""

    requests = fields.List(fields.String(), required=True, validate=validate.Length(min=1, max=200))
    verdict = fields.String(required=True, validate=validate.OneOf(tuple(deciding.VERDICTS)))
    comment = fields.String(**_COMMENT)


class ApprovalCommentSchema(Schema):
    """What one says."""

    comment = fields.String(**_COMMENT)


class ApprovalReassignmentSchema(Schema):
    """To whom a seat passes. Administrators may say whose (`from`)."""

    to = fields.String(required=True)
    from_user = fields.String(data_key="from", load_default=None, allow_none=True)
    comment = fields.String(**_COMMENT)


class ApprovalOverrideSchema(Schema):
    """An administrator's decision instead of those who are asked."""

    verdict = fields.String(required=True, validate=validate.OneOf(tuple(deciding.VERDICTS)))
    comment = fields.String(required=True, validate=validate.Length(min=1, max=deciding.MAX_COMMENT))


class ApprovalTrialSchema(Schema):
    """A record on which an approval is tried."""

    approval = fields.String(required=True)
    record = fields.String(required=True)
    submitter = fields.String(load_default=None, allow_none=True)


SCHEMAS = {
    "ApprovalSubmission": ApprovalSubmissionSchema,
    "ApprovalVote": ApprovalVoteSchema,
    "ApprovalVotes": ApprovalVotesSchema,
    "ApprovalComment": ApprovalCommentSchema,
    "ApprovalReassignment": ApprovalReassignmentSchema,
    "ApprovalOverride": ApprovalOverrideSchema,
    "ApprovalTrial": ApprovalTrialSchema,
}
Action = Callable[[Transaction, int, Mapping[str, Any]], Any]
_SAID: Mapping[str, Action] = {
    "take": lambda tx, number, given: changing.take(tx, number),
    "send_back": lambda tx, number, given: changing.send_back(tx, number, given["comment"]),
    "resubmit": lambda tx, number, given: submitting.resubmit(tx, number, comment=given["comment"]),
    "ask": lambda tx, number, given: changing.ask_submitter(tx, number, given["comment"]),
    "answer": lambda tx, number, given: changing.answer(tx, number, given["comment"]),
    "remind": lambda tx, number, given: changing.remind(tx, number),
    "recall": lambda tx, number, given: changing.recall(tx, number, comment=given["comment"]),
}
"""What is done with a request by a comment at most, by the end of the address."""


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    @blueprint.get("/approvals")
    def list_requests() -> Response:
        incoming.allow_parameters(("view", "object", "approval"))
        return answer(api.read(_listed))

    @blueprint.post("/approvals")
    def submit_records() -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalSubmissionSchema())
        return once(api, lambda tx: _submitted(tx, given))

    @blueprint.post("/approvals/votes")
    def vote_many() -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalVotesSchema())
        return once(api, lambda tx: _voted(tx, given))

    @blueprint.post("/approvals/try")
    def try_approval() -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalTrialSchema())
        return answer(api.read(lambda r: _tried(r, given), scope="setup"))

    @blueprint.get(f"/approvals/<int(max={MAX_ID}):number>")
    def show_request(number: int) -> Response:
        incoming.allow_parameters(())
        return answer(api.read(lambda r: reading.request_in_full(_onlooker(r), number)))

    @blueprint.post(f"/approvals/<int(max={MAX_ID}):number>/vote")
    def vote(number: int) -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalVoteSchema())
        return once(api, lambda tx: _state(tx, number, deciding.vote(tx, number, **given)))

    @blueprint.post(f"/approvals/<int(max={MAX_ID}):number>/override")
    def override(number: int) -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalOverrideSchema())
        return once(
            api, lambda tx: _state(tx, number, deciding.override(tx, number, given["verdict"], given["comment"]))
        )

    @blueprint.post(f"/approvals/<int(max={MAX_ID}):number>/reassign")
    def reassign(number: int) -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalReassignmentSchema())
        return once(api, lambda tx: _reassigned(tx, number, given))

    for name, action in _SAID.items():
        _add_action(blueprint, api, name, action)

    @blueprint.get("/records/<name>/<record>/approvals")
    def of_record(name: str, record: str) -> Response:
        incoming.allow_parameters(())
        return answer(api.read(lambda r: _of_record(r, name, record)))


def _add_action(blueprint: Blueprint, api: Api, name: str, action: Action) -> None:
    def act(number: int) -> Response:
        incoming.allow_parameters(())
        given = loaded(ApprovalCommentSchema()) if request.get_data() else {"comment": None}

        def body(tx: Transaction) -> Reply:
            action(tx, number, given)
            return _state(tx, number, None)

        return once(api, body)

    blueprint.add_url_rule(f"/approvals/<int(max={MAX_ID}):number>/{name}", f"approval_{name}", act, methods=["POST"])


def _onlooker(r: Reading) -> Onlooker:
    return Onlooker(r.tenant, r.connection, r.model, r.principal, r.tenant.clock.now())


def _listed(r: Reading) -> dict[str, Any]:
    view = request.args.get("view", "waiting")
    if view not in VIEWS:
        raise BadRequest(f"'view' is one of {', '.join(VIEWS)}, not '{view[:40]}'.")
    lists = {
        "waiting": reading.waiting_for_me,
        "mine": reading.submitted_by_me,
        "decided": reading.decided_by_me,
    }
    found = lists[view](_onlooker(r), object_name=request.args.get("object"), approval=request.args.get("approval"))
    return {"requests": found}


def _submitted(tx: Transaction, given: Mapping[str, Any]) -> Reply:
    name, move = given["object"], given["move"]
    numbers = submitting.submit(
        tx,
        known_object(tx.principal, tx.model, name).name,
        [number_of(name, r) for r in given["records"]],
        given["approval"],
        comment=given["comment"],
        move=(move["field"], move["to"]) if move else None,
    )
    return {"requests": [str(n) for n in numbers]}, 201, {}


def _voted(tx: Transaction, given: Mapping[str, Any]) -> Reply:
    for text in given["requests"]:
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise BadRequest(f"'{text[:40]}' is no number of a request.")
    found = deciding.vote_many(tx, [int(t) for t in given["requests"]], given["verdict"], comment=given["comment"])
    results = [
        {
            "request": str(v.request),
            "state": v.state,
            "error": None if v.error is None else {"code": v.error.code, "message": v.error.message},
        }
        for v in found
    ]
    return {"results": results}, 200, {}


def _reassigned(tx: Transaction, number: int, given: Mapping[str, Any]) -> Reply:
    from_user = given["from_user"]
    changing.reassign(
        tx,
        number,
        number_of("user", given["to"]),
        comment=given["comment"],
        from_user=None if from_user is None else number_of("user", from_user),
    )
    return _state(tx, number, None)


def _state(tx: Transaction, number: int, state: str | None) -> Reply:
    """Answer with the state of the request, which the caller may know since he could act on it."""
    (case,) = Desk(tx).load([number])
    return {"request": str(number), "state": state or case.request.state}, 200, {}


def _of_record(r: Reading, name: str, record: str) -> dict[str, Any]:
    number = number_of(name, record)
    get_record(r.tenant, r.connection, r.model, r.principal, name, number)
    one = _onlooker(r)
    return {"requests": reading.requests_of(one, name, number), "can_submit": reading.to_submit(one, name)}


def _tried(r: Reading, given: Mapping[str, Any]) -> dict[str, Any]:
    approval = approval_of(r.model, given["approval"])
    submitter = None if given["submitter"] is None else number_of("user", given["submitter"])
    return previewing.try_on(
        _onlooker(r), approval.name, number_of(approval.object, given["record"]), submitter=submitter
    )
