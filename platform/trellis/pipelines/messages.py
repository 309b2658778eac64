"""What people read when a pipeline refuses a write, in English and Chinese."""

from __future__ import annotations

from trellis_metadata.labels import text_of

_TEXTS = {
    "no_pipeline": {
        "en": "No pipeline takes this record: the condition of none of them holds ({pipelines}).",
        "zh": "没有适用于该记录的流程：{pipelines} 的条件均不满足。",
    },
    "stage_missing": {
        "en": "A record that goes through the pipeline '{pipeline}' always has a stage.",
        "zh": "流程“{pipeline}”中的记录必须有阶段。",
    },
    "stage_of_other_pipeline": {
        "en": "The pipeline '{pipeline}' has no stage '{stage}'. Its stages: {stages}.",
        "zh": "流程“{pipeline}”没有阶段“{stage}”。可选阶段：{stages}。",
    },
    "pipeline_switched": {
        "en": "The record now belongs to the pipeline '{pipeline}', which has no stage '{stage}'. Choose one of {stages}.",
        "zh": "记录现属于流程“{pipeline}”，其中没有阶段“{stage}”。请选择：{stages}。",
    },
    "stage_inactive": {
        "en": "Stage '{stage}' is no longer in use.",
        "zh": "阶段“{stage}”已停用。",
    },
    "not_initial": {
        "en": "Records begin in {stages}, not in '{stage}'.",
        "zh": "新记录须从 {stages} 开始，而不是“{stage}”。",
    },
    "move_not_allowed": {
        "en": "From '{old}' a record may go to {stages}, not to '{stage}'.",
        "zh": "从“{old}”只能进入 {stages}，不能进入“{stage}”。",
    },
    "move_impossible": {
        "en": "A record in '{old}' stays there: no move leads to another stage.",
        "zh": "处于“{old}”的记录不能再移动到其他阶段。",
    },
    "required_in_stage": {
        "en": "'{field}' must have a value in the stage '{stage}'.",
        "zh": "在阶段“{stage}”中必须填写“{field}”。",
    },
    "may_not_enter": {
        "en": "The condition for the stage '{stage}' is not met.",
        "zh": "不满足进入阶段“{stage}”的条件。",
    },
    "may_not_leave": {
        "en": "The condition for leaving the stage '{stage}' is not met.",
        "zh": "不满足离开阶段“{stage}”的条件。",
    },
    "gate_error": {
        "en": "The condition of the stage '{stage}' cannot be evaluated: {problem}",
        "zh": "无法计算阶段“{stage}”的条件：{problem}",
    },
    "activity_open": {
        "en": "To be done before the record leaves '{stage}': {activities}.",
        "zh": "离开“{stage}”前须完成：{activities}。",
    },
}


def message(code: str, language: str, **values: str) -> str:
    """Return the message of a refusal."""
    return text_of(_TEXTS[code], language).format(**values)
