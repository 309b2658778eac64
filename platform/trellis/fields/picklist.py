"""One choice out of named options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trellis.fields.base import Codec, Column, Environment, FieldDoc, FieldType
from trellis.fields.common.choices import CHOICE_OPTIONS, Choices, check_choices, dependent_problem
from trellis.storage.types import text_column
from trellis_metadata.diagnostics import Diagnostic

if TYPE_CHECKING:
    from trellis_metadata.snapshot import Snapshot

__all__ = ["PicklistField", "dependent_problem", "single_choice"]


class PicklistField(FieldType):
    """One option, stored by its name."""

    name = "picklist"
    label = {"en": "Picklist", "zh": "单选"}
    icon = "list"
    category = "choice"
    widget = "select"
    options = CHOICE_OPTIONS

    def check(self, field: FieldDoc, pointer: str, snapshot: Snapshot) -> Iterable[Diagnostic]:
        yield from check_choices(field, pointer)

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return single_choice(Choices.of(field, env))

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"text", "long_text", "multi_picklist", "tags", "stage"})


def single_choice(choices: Choices) -> Codec:
    """Return the codec of a field that holds one of ``choices``."""

    def check_change(new: str | None, old: str | None) -> None:
        if new is not None and new != old and new in choices.inactive:
            raise choices.refuse_inactive(new)

    return Codec(
        (Column(text_column()),),
        choices.reader(),
        "choice",
        from_text=choices.text_reader(),
        search_text=choices.search_text,
        json_schema=choices.schema(),
        check_change=check_change,
    )
