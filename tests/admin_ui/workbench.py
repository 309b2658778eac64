"""A tenant for the tests of the workspace: tickets with a pipeline, dates, a picture, a place and tickets below them.

``ada`` administers, ``rep`` sees and edits what is his own, ``eve`` owns the rest.
"""

from __future__ import annotations

from typing import Any

import sample

from trellis.access import Cause, accounts
from trellis.access.principal import SYSTEM
from trellis.record_id import format_id
from trellis.runtime import Runtime
from trellis.tenant import Tenant

LEVELS = [
    sample._option("low", "Low", "低", "gray"),
    sample._option("high", "High", "高", "red"),
]
PIPELINE: dict[str, Any] = {
    "kind": "pipeline",
    "name": "care",
    "label": {"en": "Care", "zh": "服务"},
    "object": "ticket",
    "field": "stage",
    "stages": [
        {"name": "new", "label": {"en": "New", "zh": "新建"}, "color": "blue", "initial": True},
        {"name": "doing", "label": {"en": "Doing", "zh": "处理中"}, "color": "cyan", "initial": True},
        {
            "name": "done",
            "label": {"en": "Done", "zh": "完成"},
            "color": "green",
            "closed": "won",
            "requires": ["result"],
        },
        {
            "name": "never",
            "label": {"en": "Never", "zh": "禁止"},
            "color": "red",
            "closed": "lost",
            "enter_when": "1 = 2",
            "enter_message": {"en": "Nobody gets here.", "zh": "无人可进入。"},
        },
    ],
}
TICKET: dict[str, Any] = {
    "kind": "object",
    "name": "ticket",
    "label": {"en": "Ticket", "zh": "工单"},
    "plural": {"en": "Tickets", "zh": "工单"},
    "icon": "ticket",
    "name_field": "name",
    "sharing": {"default": "private"},
    "features": {"search": ["name"]},
    "fields": [
        sample._field("name", "text", "Subject", "主题", required=True),
        sample._field("stage", "stage", "Stage", "阶段", pipelines=["care"]),
        sample._field("level", "picklist", "Level", "级别", options=LEVELS),
        sample._field("cost", "currency", "Cost", "费用"),
        sample._field("hours", "number", "Hours", "工时", scale=1),
        sample._field("due", "date", "Due", "截止日"),
        sample._field("starts_at", "datetime", "Begins", "开始时间"),
        sample._field("photo", "image", "Photo", "照片"),
        sample._field("place", "geolocation", "Place", "位置"),
        sample._field("parent", "lookup", "Part of", "上级工单", target="ticket", relationship="parts"),
        sample._field("labels", "tags", "Labels", "标签"),
        sample._field("result", "text", "Result", "结果"),
    ],
}
WIDE: dict[str, Any] = {
    "kind": "object",
    "name": "part",
    "label": {"en": "Part", "zh": "零件"},
    "plural": {"en": "Parts", "zh": "零件"},
    "name_field": "name",
    "sharing": {"default": "edit"},
    "fields": [
        sample._field("name", "text", "Name", "名称", required=True),
        sample._field(
            "step",
            "stage",
            "Step",
            "步骤",
            options=[sample._option(f"s{n}", f"Step {n}", f"第{n}步", "blue") for n in range(60)],
        ),
    ],
}
MEMO: dict[str, Any] = {
    "kind": "object",
    "name": "memo",
    "label": {"en": "Memo", "zh": "备忘"},
    "name_field": "name",
    "sharing": {"default": "edit"},
    "fields": [sample._field("name", "text", "Name", "名称", required=True)],
}
TALK: dict[str, Any] = {
    "kind": "object",
    "name": "talk",
    "label": {"en": "Talk", "zh": "沟通"},
    "name_field": "subject",
    "sharing": {"default": "private"},
    "features": {
        "activity": {
            "at": "held_at",
            "text": "words",
            "open": {"field": "status", "op": "=", "value": "planned"},
            "done": {"status": "done"},
        }
    },
    "fields": [
        sample._field("subject", "text", "Subject", "主题", required=True),
        sample._field("about", "lookup", "About", "关于", target=["ticket", "part"], relationship="talks"),
        sample._field("held_at", "datetime", "Held", "时间"),
        sample._field("words", "long_text", "Words", "内容"),
        sample._field(
            "status",
            "picklist",
            "Status",
            "状态",
            default="planned",
            options=[
                sample._option("planned", "Planned", "计划", "blue"),
                sample._option("done", "Done", "完成", "green"),
            ],
        ),
        sample._field("record", "file", "Record", "记录"),
    ],
}
NOTE: dict[str, Any] = {
    "kind": "object",
    "name": "note",
    "label": {"en": "Note", "zh": "笔记"},
    "name_field": "subject",
    "sharing": {"default": "controlled_by_parent", "parent": "about"},
    "features": {"activity": {"text": "text"}},
    "fields": [
        sample._field("subject", "text", "Subject", "主题"),
        sample._field(
            "about", "lookup", "About", "关于", target=["ticket", "part"], required=True, on_delete="cascade"
        ),
        sample._field("text", "rich_text", "Text", "正文", required=True),
    ],
}
VIEW: dict[str, Any] = {
    "kind": "list_view",
    "name": "all_tickets",
    "object": "ticket",
    "label": {"en": "All tickets", "zh": "全部工单"},
    "shared": True,
    "columns": ["name", "stage", "level", "cost", "hours", "due", "owner"],
    "sort": [{"field": "name"}],
}
APP: dict[str, Any] = {
    "kind": "app",
    "name": "care",
    "label": {"en": "Care", "zh": "服务"},
    "icon": "heart",
    "items": [{"object": "ticket"}, {"object": "part"}],
}
DOCUMENTS = [TICKET, PIPELINE, WIDE, MEMO, TALK, NOTE, VIEW, APP]
STAGES = ("new", "new", "doing")


def make(runtime: Runtime, *documents: dict[str, Any]) -> Tenant:
    """Create the tenant with its people, definitions and 60 tickets, every third of which is eve's.

    ``documents`` stand in the place of those of the same name.
    """
    tenant = runtime.create_tenant(
        "corvid",
        settings={"organisation": "Corvid Care", "currency": "CNY", "country": "CN", "time_zone": "Asia/Shanghai"},
    )
    people = {
        login: accounts.create_user(tenant, login=login, name=name, password=sample.PASSWORD, admin=login == "ada")
        for login, name in (("ada", "Ada Park"), ("rep", "陈思远"), ("eve", "Eve Stone"))
    }
    wanted = {(d["kind"], d["name"]): d for d in (*DOCUMENTS, *documents)}
    tenant.publisher.apply(tenant.publisher.plan_documents(list(wanted.values())))
    owners = [format_id("user", people[login]) for login in ("rep", "rep", "eve")]
    tenant.run(SYSTEM, Cause("import"), lambda tx: tx.create("ticket", [ticket(i, owners) for i in range(60)]))
    steps = [{"name": f"Part {i:02d}", "step": f"s{i}"} for i in range(60)]
    tenant.run(SYSTEM, Cause("import"), lambda tx: tx.create("part", steps))
    return tenant


def ticket(i: int, owners: list[str]) -> dict[str, Any]:
    """Return the values of ticket number ``i``: cost 100·i yuan, due in November 2026."""
    return {
        "name": f"Ticket {i:02d}",
        "stage": STAGES[i % 3 if i % 2 else 0],
        "level": ("low", "high", None)[i % 3],
        "cost": {"amount": str(100 * i), "currency": "CNY"},
        "hours": str(i % 4),
        "due": f"2026-11-{1 + i % 28:02d}",
        "starts_at": f"2026-11-{1 + i % 28:02d}T02:30:00Z",
        "owner": owners[i % 3],
    }
