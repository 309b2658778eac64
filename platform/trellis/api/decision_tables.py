"""Decision tables as CSV over HTTP. For administrators, with the scope ``setup``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from trellis.api import reading
from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.errors import BadRequest, UnsupportedMediaType
from trellis.decision_tables.csv_form import read_csv, write_csv
from trellis.tenant import Tenant
from trellis_metadata.diagnostics import did_you_mean


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes."""

    def admin() -> tuple[Tenant, int | None]:
        return api.read(lambda r: (r.tenant, r.principal.user), scope="setup")

    @blueprint.get("/metadata/decision-tables/<table>.csv")
    def export_table(table: str) -> Response:
        reading.allow_parameters(())
        tenant, _ = admin()
        text = write_csv(_table(tenant, table))
        headers = {"Content-Disposition": f'attachment; filename="{table}.csv"'}
        return Response(text, mimetype="text/csv", headers=headers)

    @blueprint.put("/metadata/decision-tables/<table>.csv")
    def import_table(table: str) -> Response:
        reading.allow_parameters(("confirm",))
        tenant, author = admin()
        if request.mimetype != "text/csv":
            raise UnsupportedMediaType(f"Expected text/csv, found '{request.mimetype[:80]}'.")
        document = read_csv(_table(tenant, table), request.get_data())
        plan = tenant.publisher.plan_documents([document])
        number = tenant.publisher.apply(
            plan, confirm=request.args.get("confirm"), author=author, note=f"import {table}"
        )
        return answer({"version": number, "hash": tenant.model().snapshot.hash, "plan": plan.to_json()})


def _table(tenant: Tenant, name: str) -> Mapping[str, Any]:
    snapshot = tenant.model().snapshot
    found = snapshot.get("decision_table", name)
    if found is None:
        known = snapshot.of_kind("decision_table")
        raise BadRequest(f"There is no decision table '{name[:60]}'.{did_you_mean(name[:60], known)}")
    return found
