"""What is said about people named by rule: how somebody was found, and why nobody was."""

from __future__ import annotations

from collections.abc import Mapping

Text = Mapping[str, str]
"""A text by language."""

_TEXTS: Mapping[str, Text] = {
    "users": {"en": "named by login", "zh": "按登录名指定"},
    "role": {"en": "has the role '{name}'", "zh": "担任角色“{name}”"},
    "role_within": {"en": "has the role '{name}' in {unit}", "zh": "在 {unit} 担任角色“{name}”"},
    "group": {"en": "is in the group '{name}'", "zh": "属于组“{name}”"},
    "group_within": {"en": "is in the group '{name}' in {unit}", "zh": "在 {unit} 属于组“{name}”"},
    "field": {"en": "stands in the field '{name}'", "zh": "由字段“{name}”指定"},
    "actor": {"en": "did it", "zh": "为操作人本人"},
    "manager_of": {"en": "is the manager of {person}", "zh": "是 {person} 的上级"},
    "manager_above": {"en": "is the manager of {person}, {levels} levels up", "zh": "是 {person} 的第 {levels} 级上级"},
    "head_of": {"en": "is the head of {unit}", "zh": "是 {unit} 的负责人"},
    "formula": {"en": "the formula names {kind} '{name}'", "zh": "由公式指定：{kind}“{name}”"},
    "no_user": {"en": "nobody who is active has the login '{name}'", "zh": "没有登录名为“{name}”的在职用户"},
    "no_role": {"en": "nobody who is active has the role '{name}'", "zh": "没有在职用户担任角色“{name}”"},
    "no_role_within": {
        "en": "nobody who is active has the role '{name}' in {unit} or above",
        "zh": "{unit} 及其上级均无在职用户担任角色“{name}”",
    },
    "no_group": {"en": "nobody who is active is in the group '{name}'", "zh": "组“{name}”中没有在职用户"},
    "no_group_within": {
        "en": "nobody who is active is in the group '{name}' in {unit} or above",
        "zh": "{unit} 及其上级均无属于组“{name}”的在职用户",
    },
    "no_person": {"en": "'{name}' is blank", "zh": "“{name}”为空"},
    "no_actor": {"en": "nobody did it: it happened by itself", "zh": "由系统自动执行，没有操作人"},
    "not_active": {"en": "{person} is no longer active", "zh": "{person} 已停用"},
    "no_manager": {"en": "{person} has no active manager {levels} up", "zh": "{person} 没有第 {levels} 级在职上级"},
    "no_unit": {"en": "{person} belongs to no unit of '{name}'", "zh": "{person} 不属于“{name}”的任何单元"},
    "no_head": {"en": "{unit} and the units above it have no head", "zh": "{unit} 及其上级单元均未设负责人"},
    "blank_formula": {"en": "the formula names nobody", "zh": "公式未指定任何人"},
    "formula_error": {"en": "the formula cannot be computed: {problem}", "zh": "公式无法计算：{problem}"},
    "no_such": {
        "en": "the formula names {kind} '{name}', which does not exist",
        "zh": "公式指定的{kind}“{name}”不存在",
    },
}
_KINDS: Mapping[str, Text] = {
    "user": {"en": "user", "zh": "用户"},
    "role": {"en": "role", "zh": "角色"},
    "group": {"en": "group", "zh": "组"},
    "unit": {"en": "unit", "zh": "单元"},
}


def text(code: str, **values: str | Text) -> Text:
    """Return a text in every language; values may differ by language."""
    return {
        language: form.format(**{k: v if isinstance(v, str) else v[language] for k, v in values.items()})
        for language, form in _TEXTS[code].items()
    }


def kind_word(kind: str) -> Text:
    """Return what a kind of principal is called."""
    return _KINDS[kind]
