"""Several choices out of named options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.choices import CHOICE_OPTIONS, Choices, check_choices
from trellis.fields.common.columns import JoinedText, joined
from trellis.fields.common.options import integer_option
from trellis.fields.common.problems import invalid
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

MAX_CHOSEN = 500
_SEPARATOR = re.compile("[;；\n]")


class MultiPicklistField(FieldType):
    """A set of options in the order of their definition, stored as ``;a;b;``; values that are no option stand last."""

    name = "multi_picklist"
    label = {"en": "Multi-select", "zh": "多选"}
    icon = "list-check"
    category = "choices"
    widget = "multiselect"
    unique_allowed = False
    options = {
        **CHOICE_OPTIONS,
        "max_selected": integer_option("Largest number of options chosen.", 1, MAX_CHOSEN, example=3),
    }

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_choices(field, pointer)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        choices = Choices.of(field, env)
        limit = field.get("max_selected", MAX_CHOSEN)
        read = _reader(choices, limit)

        def check_change(new: tuple[str, ...] | None, old: tuple[str, ...] | None) -> None:
            for name in new or ():
                if name in choices.inactive and name not in (old or ()):
                    raise choices.refuse_inactive(name)

        one = choices.text_reader()
        return Codec(
            (Column(JoinedText()),),
            read,
            "choices",
            to_json=list,
            to_text=";".join,
            compare=joined,
            from_text=lambda text: read([name for name in map(one, _SEPARATOR.split(text)) if name]),
            search_text=lambda value: " ".join(map(choices.search_text, value)),
            check_change=check_change,
            json_schema={
                "type": ["array", "string"],
                "pattern": r"^\s*$",
                "items": choices.schema(),
                "maxItems": MAX_CHOSEN,
            },
        )

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "tags"})


def _reader(choices: Choices, limit: int) -> Callable[[Any], tuple[str, ...] | None]:
    one, order = choices.reader(), choices.order
    last = len(order)

    def parse(value: Any) -> tuple[str, ...] | None:
        if isinstance(value, str) and not value.strip():
            return None
        if not isinstance(value, list | tuple):
            raise invalid("wrong_type", value, "a list of options")
        if len(value) > MAX_CHOSEN:
            raise invalid("too_long", value, f"at most {MAX_CHOSEN} options")
        chosen = {name for name in map(one, value) if name is not None}
        if len(chosen) > limit:
            raise invalid("too_long", value, f"at most {limit} options")
        return tuple(sorted(chosen, key=lambda name: (order.get(name, last), name))) or None

    return parse
