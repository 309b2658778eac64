"""A small tenant for the tests of the UI: two people, accounts, contacts, deals and an object with every kind of field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from trellis.access import Cause, accounts
from trellis.access.principal import SYSTEM
from trellis.runtime import Runtime
from trellis.tenant import Tenant

PASSWORD = "correct horse"


def _label(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


def _field(name: str, kind: str, en: str, zh: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "label": _label(en, zh), **more}


def _option(name: str, en: str, zh: str, color: str) -> dict[str, Any]:
    return {"name": name, "label": _label(en, zh), "color": color}


STAGES = [
    _option("qualify", "Qualify", "资格确认", "blue"),
    _option("discover", "Discover", "需求挖掘", "cyan"),
    _option("propose", "Propose", "方案报价", "purple"),
    _option("negotiate", "Negotiate", "商务谈判", "orange"),
    _option("won", "Closed won", "赢单", "green"),
    _option("lost", "Closed lost", "输单", "red"),
]
SOURCES = [
    _option("web", "Website", "官网", "blue"),
    _option("referral", "Referral", "转介绍", "teal"),
    _option("event", "Event", "展会", "purple"),
    _option("outbound", "Outbound", "主动开发", "gray"),
]
PRODUCTS = [
    _option("seats", "CRM seats", "CRM 许可", "blue"),
    _option("service", "Implementation", "实施服务", "teal"),
    _option("training", "Training", "培训", "yellow"),
]

DOCUMENTS: list[dict[str, Any]] = [
    {
        "kind": "object",
        "name": "account",
        "label": _label("Account", "客户"),
        "plural": _label("Accounts", "客户"),
        "icon": "building",
        "name_field": "name",
        "sharing": {"default": "edit"},
        "features": {"search": ["name"]},
        "fields": [
            _field("name", "text", "Account name", "客户名称", required=True),
            _field("website", "url", "Website", "网站"),
            _field("phone", "phone", "Phone", "电话"),
            _field("industry", "picklist", "Industry", "行业", options=SOURCES),
            _field("address", "address", "Address", "地址"),
            _field("logo", "image", "Logo", "标志"),
            _field("contract", "file", "Contract", "合同"),
        ],
    },
    {
        "kind": "object",
        "name": "contact",
        "label": _label("Contact", "联系人"),
        "plural": _label("Contacts", "联系人"),
        "icon": "users",
        "name_field": "name",
        "sharing": {"default": "edit"},
        "fields": [
            _field("name", "person_name", "Name", "姓名", required=True),
            _field("email", "email", "Email", "邮箱"),
            _field("account", "lookup", "Account", "客户", target="account", relationship="contacts"),
        ],
    },
    {
        "kind": "object",
        "name": "deal",
        "label": _label("Deal", "商机"),
        "plural": _label("Deals", "商机"),
        "icon": "target-arrow",
        "name_field": "name",
        "sharing": {"default": "edit"},
        "features": {"search": ["name", "next_step"]},
        "fields": [
            _field("name", "text", "Deal name", "商机名称", required=True, max_length=200),
            _field("account", "lookup", "Account", "客户", target="account", relationship="deals", required=True),
            _field(
                "contact",
                "lookup",
                "Contact",
                "联系人",
                target="contact",
                filter={"field": "account", "op": "=", "value": "$source.account"},
            ),
            _field("stage", "stage", "Stage", "阶段", options=STAGES),
            _field(
                "amount",
                "currency",
                "Amount",
                "金额",
                required=True,
                help=_label("Contract value before tax.", "税前合同金额。"),
            ),
            _field("probability", "percent", "Probability", "可能性"),
            _field("close_date", "date", "Close date", "预计成交日"),
            _field("source", "picklist", "Lead source", "线索来源", options=SOURCES),
            _field("products", "multi_picklist", "Products", "产品", options=PRODUCTS),
            _field("next_call", "datetime", "Next call", "下次通话"),
            _field("site", "url", "Project site", "项目网站"),
            _field("budget", "boolean", "Budget confirmed", "预算已确认"),
            _field("priority", "rating", "Priority", "优先级"),
            _field("next_step", "text", "Next step", "下一步"),
            _field("tags", "tags", "Tags", "标签"),
            _field("description", "long_text", "Description", "描述"),
        ],
    },
    {
        "kind": "layout",
        "name": "deal_page",
        "object": "deal",
        "highlights": ["account", "amount", "close_date", "owner", "source"],
        "sections": [
            {
                "name": "main",
                "label": _label("Deal information", "商机信息"),
                "columns": 2,
                "cells": [
                    ["name", "account"],
                    ["amount", "close_date"],
                    ["stage", "probability"],
                    ["owner", "priority"],
                ],
            },
            {
                "name": "work",
                "label": _label("Qualification", "商机评估"),
                "columns": 2,
                "cells": [
                    ["source", "products"],
                    ["next_call", "site"],
                    ["budget", "next_step"],
                    ["tags", "contact"],
                    ["description"],
                ],
            },
        ],
    },
    {
        "kind": "layout",
        "name": "account_page",
        "object": "account",
        "highlights": ["industry", "phone", "website"],
        "sections": [
            {
                "name": "main",
                "label": _label("Account information", "客户信息"),
                "columns": 2,
                "cells": [["name", "industry"], ["website", "phone"], ["address"], ["logo", "contract"]],
            }
        ],
        "related": [
            {"name": "deals", "columns": ["name", "stage", "amount"]},
            {"name": "contacts", "columns": ["name", "email"]},
        ],
    },
    {
        "kind": "list_view",
        "name": "all_deals",
        "object": "deal",
        "label": _label("All deals", "全部商机"),
        "shared": True,
        "columns": [
            "name",
            "amount",
            "account.name",
            "stage",
            "probability",
            "close_date",
            "owner",
            "source",
            "products",
            "next_step",
        ],
        "sort": [{"field": "amount", "direction": "desc"}],
    },
    {
        "kind": "list_view",
        "name": "big_deals",
        "object": "deal",
        "label": _label("Over 200,000", "20 万以上"),
        "shared": True,
        "columns": ["name", "amount", "account.name", "stage", "close_date"],
        "filter": {"field": "amount", "op": ">", "value": "200000"},
    },
    {
        "kind": "app",
        "name": "sales",
        "label": _label("Sales", "销售"),
        "icon": "briefcase",
        "items": [{"object": "deal"}, {"object": "account"}, {"object": "contact"}],
    },
]
_COMPANIES = [
    "Brightside Clinics",
    "Meridian Motors",
    "云帆供应链",
    "Kestrel Logistics",
    "Orchid Cosmetics",
    "Larkspur Hotels",
    "Redwood Dental",
    "Northwind Foods",
    "瑞禾生物",
    "Banyan Capital",
    "星海软件",
    "Granite Insurance",
]
_WORK = [
    "expansion – 120 seats",
    "数字化一期",
    "data migration",
    "renewal FY27",
    "CRM rollout",
    "分公司扩容",
    "dealer portal",
]


def make(runtime: Runtime) -> Tenant:
    """Create the tenant ``corvid`` with its people, definitions and records."""
    tenant = runtime.create_tenant(
        "corvid",
        settings={"organisation": "Corvid Trading", "currency": "CNY", "country": "CN", "time_zone": "Asia/Shanghai"},
    )
    ada = accounts.create_user(tenant, login="ada", name="Ada Park", password=PASSWORD, admin=True)
    rep = accounts.create_user(tenant, login="rep", name="陈思远", password=PASSWORD)
    tenant.publisher.apply(tenant.publisher.plan_documents(DOCUMENTS))
    with tenant.database.writing() as connection:
        tenant.rates.set(connection, "USD", date(2020, 1, 1), Decimal("7.1"))
    tenant.run(SYSTEM, Cause("import"), lambda tx: _records(tx, [ada, rep]))
    return tenant


def _records(tx: Any, people: list[int]) -> None:
    from trellis.record_id import format_id

    owners = [format_id("user", p) for p in people]
    made = tx.create(
        "account",
        [
            {
                "name": name,
                "website": "https://www.example.com",
                "phone": "+86 21 5555 1031",
                "industry": SOURCES[i % 4]["name"],
                "owner": owners[i % 2],
                "address": {"street": "88 Century Ave", "city": "Shanghai", "country": "CN"},
            }
            for i, name in enumerate(_COMPANIES)
        ],
    )
    firms = [format_id("account", o.id) for o in made]
    tx.create(
        "contact",
        [
            {
                "name": {"first": "Grace", "last": f"Hopper {i}"},
                "email": f"grace{i}@example.com",
                "account": firms[i % 12],
                "owner": owners[0],
            }
            for i in range(20)
        ],
    )
    tx.create("deal", [_deal(i, firms, owners) for i in range(140)])


def _deal(i: int, firms: list[str], owners: list[str]) -> dict[str, Any]:
    k = i * 7 % 12
    return {
        "name": f"{_COMPANIES[k]} – {_WORK[i % 7]}",
        "account": firms[k],
        "stage": STAGES[i * 5 % 6]["name"],
        "owner": owners[i % 2],
        "amount": {"amount": str(4000 + i * 1843 % 260900), "currency": "USD" if i % 9 == 0 else "CNY"},
        "probability": str((10, 25, 50, 75, 100, 0)[i * 5 % 6]),
        "close_date": f"2026-{1 + i % 12:02d}-{1 + i % 28:02d}",
        "source": SOURCES[i % 4]["name"],
        "products": [PRODUCTS[i % 3]["name"]],
        "next_step": ("Confirm scope", "Book a demo", None)[i % 3],
        "next_call": "2026-11-20T01:30:00Z" if i % 2 else None,
        "site": "https://example.com/p/31",
        "budget": i % 3 == 0,
        "priority": 1 + i % 5,
        "tags": ["vip"] if i % 4 == 0 else None,
        "description": "Replace spreadsheets in three regions; buyer wants to go live before the fiscal year ends.",
    }
