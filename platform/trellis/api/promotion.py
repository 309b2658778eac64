"""Compare and promote over HTTP: the documents of another tenant are sent, so that no right in that tenant is needed here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from marshmallow import Schema, fields

from trellis.api.answers import answer
from trellis.api.context import Api
from trellis.api.metadata import loaded
from trellis.publishing import promotion
from trellis.publishing.errors import StalePlan
from trellis.publishing.tenant_plan import TenantPlan
from trellis.tenant import Tenant


class ComparisonSchema(Schema):
    """The metadata to compare with: all documents of the other tenant."""

    documents = fields.List(fields.Raw(), required=True, metadata={"description": "All documents of the source."})


class PromotionSchema(ComparisonSchema):
    """What to take over."""

    select = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "Names such as object/deal or object/deal/fields/amount; empty: all."},
    )
    removals = fields.Boolean(
        load_default=False, metadata={"description": "Also remove what the source does not have."}
    )
    confirm = fields.String(
        load_default=None, allow_none=True, metadata={"description": "Hash of the plan that was shown."}
    )
    note = fields.String(load_default="", metadata={"description": "Why; kept in the log."})


SCHEMAS = {"MetadataComparison": ComparisonSchema, "MetadataPromotion": PromotionSchema}


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the routes. All need the scope ``setup`` and an administrator."""

    def admin() -> tuple[Tenant, int | None]:
        return api.read(lambda r: (r.tenant, r.principal.user), scope="setup")

    @blueprint.post("/metadata/compare")
    def compare() -> Response:
        tenant, _ = admin()
        source = promotion.source_of(tenant, loaded(ComparisonSchema())["documents"])
        return answer({"differences": [d.to_json() for d in promotion.compare(tenant, source)]})

    @blueprint.post("/metadata/promote/plan")
    def plan_promotion() -> Response:
        tenant, _ = admin()
        return answer(_plan(tenant, loaded(PromotionSchema())).to_json())

    @blueprint.post("/metadata/promote")
    def promote() -> Response:
        tenant, author = admin()
        given = loaded(PromotionSchema())
        plan = _plan(tenant, given)
        if given["confirm"] != plan.hash:
            raise StalePlan(
                "A promotion needs the hash of the plan that was shown, and this plan has another one. Look at it first.",
                plan=plan.to_json(),
            )
        number = tenant.publisher.apply(plan, confirm=plan.hash, author=author, note=given["note"])
        return answer({"version": number, "hash": tenant.model().snapshot.hash, "plan": plan.to_json()})


def _plan(tenant: Tenant, given: dict[str, Any]) -> TenantPlan:
    source = promotion.source_of(tenant, given["documents"])
    return promotion.plan_promotion(tenant, source, only=given["select"], removals=given["removals"])
