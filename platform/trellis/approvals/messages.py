"""What people read about requests: refusals and messages, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from trellis_metadata.labels import text_of

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "not_needed": {
        "en": "This record does not need the approval '{approval}'.",
        "zh": "该记录无需审批“{approval}”。",
    },
    "entry_error": {
        "en": "Whether the record needs the approval '{approval}' cannot be computed: {problem}",
        "zh": "无法判断该记录是否需要审批“{approval}”：{problem}",
    },
    "already_submitted": {
        "en": "The record is being approved already ('{approval}'). Recall that request first.",
        "zh": "该记录已在审批中（“{approval}”）。请先撤回原申请。",
    },
    "may_not_submit": {"en": "You may not submit this record.", "zh": "您无权提交该记录。"},
    "no_approver": {
        "en": "Nobody can be asked in the step '{step}': {reasons}.",
        "zh": "步骤“{step}”没有可用的审批人：{reasons}。",
    },
    "left_out": {"en": "{person} is left out ({reason})", "zh": "{person} 被排除（{reason}）"},
    "reason_submitter": {"en": "submitted it", "zh": "为提交人"},
    "reason_owner": {"en": "owns the record", "zh": "为记录负责人"},
    "reason_steps": {"en": "decided in another step", "zh": "已在其他步骤审批"},
    "own_submitter": {
        "en": "You submitted this request: somebody else decides about it.",
        "zh": "该申请由您提交，须由他人审批。",
    },
    "own_owner": {
        "en": "You own this record: somebody else decides about it.",
        "zh": "您是该记录的负责人，须由他人审批。",
    },
    "own_steps": {
        "en": "You decided in another step of this request: somebody else decides here.",
        "zh": "您已在该申请的其他步骤审批，此步骤须由他人审批。",
    },
    "not_asked": {"en": "You are not asked about this request.", "zh": "您不是该申请的审批人。"},
    "closed": {"en": "This request is no longer open: it is {state}.", "zh": "该申请已结束：{state}。"},
    "seat_closed": {"en": "This step is decided already.", "zh": "该步骤已有结论。"},
    "comment": {"en": "Give a comment: this needs one.", "zh": "请填写意见。"},
    "may_not": {"en": "The step '{step}' does not allow this.", "zh": "步骤“{step}”不允许此操作。"},
    "receiver_gone": {"en": "There is no such active user.", "zh": "没有这样的在职用户。"},
    "receiver_submitter": {
        "en": "This person submitted the request and cannot decide.",
        "zh": "该用户是提交人，不能审批。",
    },
    "receiver_owner": {"en": "This person owns the record and cannot decide.", "zh": "该用户是记录负责人，不能审批。"},
    "receiver_steps": {"en": "This person decided in another step already.", "zh": "该用户已在其他步骤审批。"},
    "receiver_asked": {"en": "This person is asked in this step already.", "zh": "该用户已是此步骤的审批人。"},
    "locked": {"en": "It is being approved ('{approval}').", "zh": "正在审批（“{approval}”）。"},
    "stand_in": {"en": "stands in for {person}", "zh": "代理 {person}"},
    "approval_needed": {
        "en": "Stage '{stage}' needs the approval '{approval}'. Submit the record for approval; it moves on once approved.",
        "zh": "进入阶段“{stage}”需要审批“{approval}”。请提交审批，通过后自动进入。",
    },
    "approval_pending": {
        "en": "Stage '{stage}' waits for the approval '{approval}', which is being decided.",
        "zh": "进入阶段“{stage}”所需的审批“{approval}”正在进行中。",
    },
}
_STATES: Mapping[str, Mapping[str, str]] = {
    "pending": {"en": "pending", "zh": "审批中"},
    "approved": {"en": "approved", "zh": "已批准"},
    "rejected": {"en": "rejected", "zh": "已拒绝"},
    "recalled": {"en": "recalled", "zh": "已撤回"},
    "sent_back": {"en": "sent back", "zh": "已退回"},
    "cancelled": {"en": "cancelled", "zh": "已取消"},
}
_TOLD: Mapping[str, Mapping[str, str]] = {
    "asked": {"en": "{who} asks for your approval: {approval}", "zh": "{who} 请您审批：{approval}"},
    "queued": {"en": "{who} asks your group for approval: {approval}", "zh": "{who} 请您所在的组审批：{approval}"},
    "reassigned": {
        "en": "A request for approval was passed on to you: {approval}",
        "zh": "有一项审批转交给您：{approval}",
    },
    "reminded": {"en": "Reminder: your approval is waited for: {approval}", "zh": "提醒：等待您审批：{approval}"},
    "approved": {"en": "Approved: {approval}", "zh": "审批通过：{approval}"},
    "rejected": {"en": "Rejected: {approval}", "zh": "审批被拒绝：{approval}"},
    "sent_back": {"en": "Sent back to you: {approval}", "zh": "已退回给您：{approval}"},
    "cancelled": {"en": "Cancelled: {approval}", "zh": "审批已取消：{approval}"},
    "withdrawn": {"en": "No longer to be approved: {approval}", "zh": "无需再审批：{approval}"},
    "question": {"en": "{who} asks about your request: {approval}", "zh": "{who} 对您的申请提出问题：{approval}"},
    "answer": {"en": "{who} answered about: {approval}", "zh": "{who} 答复了：{approval}"},
    "vacant": {
        "en": "Nobody is left to decide: {approval}. Pass the request on.",
        "zh": "无人可审批：{approval}。请转交。",
    },
    "not_moved": {
        "en": "Approved, but the record did not move on: {problem}",
        "zh": "已批准，但记录未能推进：{problem}",
    },
}


def message(code: str, language: str, **values: str) -> str:
    """Return what a person reads."""
    return text_of(_TEXTS[code], language).format(**values)


def both(code: str, **values: str | Mapping[str, str]) -> dict[str, str]:
    """Return a text in every language; values may differ by language."""
    return {n: f.format(**_values(values, n)) for n, f in _TEXTS[code].items()}


def told(kind: str, **values: str | Mapping[str, str]) -> dict[str, str]:
    """Return a message to somebody, in every language."""
    return {n: f.format(**_values(values, n)) for n, f in _TOLD[kind].items()}


def state_word(state: str, language: str) -> str:
    """Return what a state is called."""
    return text_of(_STATES[state], language)


def _values(values: Mapping[str, str | Mapping[str, str]], language: str) -> dict[str, str]:
    return {k: v if isinstance(v, str) else v.get(language) or v["en"] for k, v in values.items()}
