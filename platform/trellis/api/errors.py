"""The one table from error codes to HTTP, and the one JSON body that every error has.

``{"error": {"code", "message", "details"?, "fields"?, "rows"?}}``: ``fields`` nests like the record that was sent.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from trellis.api.answers import answer
from trellis.transaction import RecordsInvalid
from trellis_metadata.errors import TrellisError

log = logging.getLogger("trellis.api")

STATUS: Mapping[str, int] = {
    "not_found": 404,
    "unknown_object": 404,
    "bad_share": 422,
    "bad_membership": 422,
    "unknown_membership": 404,
    "bad_absence": 422,
    "unknown_absence": 404,
    "unknown_approval": 404,
    "unknown_approval_request": 404,
    "approval_gone": 409,
    "not_asked": 403,
    "request_closed": 409,
    "comment_missing": 422,
    "unknown_tenant": 404,
    "unknown_file": 404,
    "file_store_failed": 503,
    "access_denied": 403,
    "unauthenticated": 401,
    "login_failed": 401,
    "login_paused": 429,
    "wrong_code": 401,
    "proof_needed": 403,
    "bad_link": 410,
    "unknown_session": 404,
    "unknown_token": 404,
    "bad_scope": 422,
    "bad_expiry": 422,
    "bad_security_setting": 422,
    "bad_audit_query": 400,
    "reason_missing": 422,
    "bad_handover": 422,
    "unknown_handover": 404,
    "csrf": 403,
    "missing_scope": 403,
    "version_conflict": 409,
    "stale_plan": 409,
    "confirmation_required": 409,
    "publication_running": 409,
    "cannot_undo": 409,
    "unknown_draft": 404,
    "draft_exists": 409,
    "draft_conflict": 409,
    "bad_draft": 422,
    "unknown_version": 409,
    "unknown_difference": 422,
    "cannot_promote": 422,
    "idempotency_conflict": 409,
    "precondition_failed": 412,
    "precondition_required": 428,
    "invalid_record": 422,
    "invalid_metadata": 422,
    "invalid_query": 422,
    "bad_reference": 422,
    "weak_password": 422,
    "bad_rename": 422,
    "too_large": 413,
    "unsupported_media_type": 415,
    "bad_request": 400,
    "not_acceptable": 406,
    "unavailable": 503,
    "sandbox_unavailable": 503,
    "sandbox_busy": 429,
    "script_failed": 422,
    "script_rejected": 422,
    "unknown_script": 404,
    "unknown_hook": 404,
    "unknown_run": 404,
    "automation_gone": 404,
    "wrong_state": 409,
    "bad_delivery": 422,
    "cannot_start": 422,
    "cannot_try": 422,
    "steps_failed": 422,
    "automation_limit": 422,
    "stale_model": 503,
    "unknown_relationship": 404,
    "unknown_job": 404,
    "unknown_activity": 404,
    "pipeline_gone": 409,
    "rate_limited": 429,
    "invalid_operations": 422,
    "bad_value": 422,
    "bad_table_file": 422,
    "conflict": 409,
    "cannot_take_back": 409,
    "unknown_key_field": 422,
    "unknown_pack": 404,
    "no_screenshot": 404,
    "pack_not_installed": 404,
    "missing_pack": 409,
    "pack_conflict": 409,
    "pack_still_required": 409,
    "older_pack_version": 409,
    "no_pristine_version": 409,
    "broken_cases": 409,
    "migration_failed": 409,
    "bad_option": 422,
    "bad_pack": 422,
    "bad_signature": 422,
    "hostile_archive": 422,
}


class BadRequest(TrellisError):
    """The request itself is malformed."""

    code = "bad_request"


class TooLarge(TrellisError):
    """The body is larger than the endpoint takes."""

    code = "too_large"


class Unauthenticated(TrellisError):
    """No valid token or session came with the request."""

    code = "unauthenticated"


class UnsupportedMediaType(TrellisError):
    """The body is of a kind that this endpoint does not read."""

    code = "unsupported_media_type"


class PreconditionFailed(TrellisError):
    """``If-Match`` names another version than the record has."""

    code = "precondition_failed"


def body_of(problem: TrellisError) -> dict[str, Any]:
    """Return the JSON body of an error."""
    body: dict[str, Any] = {"code": problem.code, "message": problem.message}
    if isinstance(problem, RecordsInvalid):
        if len(problem.errors) == 1:
            body["fields"] = problem.errors[0]
        else:
            body["rows"] = {str(i): e for i, e in enumerate(problem.errors) if e}
    elif problem.details:
        body["details"] = problem.details
    return {"error": body}


def install(blueprint: Blueprint) -> None:
    """Answer every error of the API in the one form; unexpected ones are logged and never shown."""

    @blueprint.errorhandler(TrellisError)
    def refused(problem: TrellisError) -> Response:
        response = answer(body_of(problem), STATUS.get(problem.code, 400))
        if problem.code == "unauthenticated":
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    @blueprint.errorhandler(HTTPException)
    def http(problem: HTTPException) -> Response:
        return _http(problem)

    @blueprint.before_app_request
    def unrouted() -> Response | None:
        # No endpoint matched, so that the handlers of the blueprint would not be asked.
        found = request.routing_exception
        outside = not request.path.startswith(f"{blueprint.url_prefix}/")
        return None if found is None or outside or isinstance(found, RequestRedirect) else _http(found)

    @blueprint.errorhandler(sa.exc.DataError)
    def unfit(problem: sa.exc.DataError) -> Response:
        log.warning("a value that no field type refused did not fit the database", exc_info=problem)
        return answer({"error": {"code": "bad_value", "message": "A value is one that the database cannot hold."}}, 422)

    @blueprint.errorhandler(sa.exc.IntegrityError)
    def clash(problem: sa.exc.IntegrityError) -> Response:
        log.warning("writers kept clashing over a key", exc_info=problem)
        return answer(
            {"error": {"code": "conflict", "message": "Somebody else wrote the same key again and again. Try again."}},
            409,
        )

    @blueprint.errorhandler(sa.exc.OperationalError)
    def busy(problem: sa.exc.OperationalError) -> Response:
        log.error("database unavailable", exc_info=problem)
        return answer(
            {
                "error": {
                    "code": "unavailable",
                    "message": "The database is busy or unreachable. Try again in a moment.",
                }
            },
            503,
        )

    @blueprint.errorhandler(Exception)
    def unexpected(problem: Exception) -> Response:
        log.error("unexpected error", exc_info=problem)
        return answer(
            {
                "error": {
                    "code": "internal",
                    "message": "Something went wrong on our side. It was logged; nothing was changed.",
                }
            },
            500,
        )


_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


def _http(problem: HTTPException) -> Response:
    """Return the one form of an error that the web framework found."""
    status = problem.code or 500
    message = problem.description or str(problem)
    if status == 404:
        message = "There is no such address. GET /api/v1/openapi.json lists all."
    if status == 429:
        message = f"Too many requests: at most {message} are taken. Wait as long as Retry-After says."
    allow = ", ".join(sorted(dict(problem.get_headers()).get("Allow", "").split(", ")))
    if allow:
        message = f"This address knows only {allow}."
    return answer(
        {"error": {"code": _HTTP_CODES.get(status, "bad_request"), "message": message}},
        status,
        {"Allow": allow} if allow else None,
    )
