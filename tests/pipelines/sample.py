"""Two pipelines of one deal: a free one for small business, a strict one for key accounts."""

from __future__ import annotations

from typing import Any

from support.kernel import field, obj

SMB = {
    "kind": "pipeline",
    "name": "smb",
    "label": {"en": "Small business", "zh": "中小客户"},
    "object": "deal",
    "field": "stage",
    "probability_field": "probability",
    "forecast_field": "forecast",
    "stages": [
        {"name": "new", "label": {"en": "New", "zh": "新建"}, "probability": 10, "forecast": "pipeline"},
        {
            "name": "talk",
            "label": {"en": "Talks", "zh": "洽谈"},
            "probability": "30.5",
            "forecast": "pipeline",
            "activities": [
                {"name": "call", "label": {"en": "Call the customer", "zh": "致电客户"}, "required": True},
                {"name": "lunch"},
            ],
            "tools": [{"name": "guide", "label": "Guide", "url": "https://example.com/guide.pdf"}],
            "stuck_after": "P14D",
            "goal": "An agreed need",
        },
        {
            "name": "offer",
            "probability": 60,
            "forecast": "best_case",
            "requires": ["amount"],
            "leave_when": "discount <= 0.2",
            "leave_message": {"en": "The discount needs an approval", "zh": "折扣需要审批"},
        },
        {
            "name": "won",
            "label": {"en": "Won", "zh": "赢单"},
            "closed": "won",
            "probability": 100,
            "forecast": "closed",
            "enter_when": "amount > 0",
            "requires": ["amount", "close_date"],
        },
        {"name": "lost", "closed": "lost", "requires": ["reason"], "probability": 0, "reopen": True},
        {"name": "old_stage", "active": False},
    ],
}
KA = {
    "kind": "pipeline",
    "name": "ka",
    "object": "deal",
    "field": "stage",
    "when": 'kind = "key_account"',
    "stages": [
        {"name": "define"},
        {"name": "confirm"},
        {"name": "offer"},
        {"name": "won", "closed": "won"},
        {"name": "lost", "closed": "lost"},
    ],
    "moves": [
        ["define", "confirm"],
        ["confirm", "offer"],
        ["offer", "confirm"],
        ["offer", "won"],
        ["define", "lost"],
        ["confirm", "lost"],
        ["offer", "lost"],
    ],
}


def deal(*pipelines: str, **more: Any) -> dict[str, Any]:
    return obj(
        "deal",
        field("name"),
        field("amount", "number", scale=2),
        field("discount", "percent"),
        field("close_date", "date"),
        field("reason"),
        field("kind"),
        field("probability", "percent"),
        field("forecast"),
        field("stage", "stage", label={"en": "Stage", "zh": "阶段"}, pipelines=list(pipelines or ("ka", "smb"))),
        **more,
    )
