"""Everything goes to one person."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.offboarding.destinations import Leaver
from trellis.record_id import BadRecordId, parse_id


class _Person:
    name, argument = "person", "user"
    label = {"en": "One person", "zh": "指定人员"}

    def receivers(self, leaver: Leaver, value: str | None) -> Sequence[int]:
        try:
            return [parse_id(value, ["user"])[1]]
        except BadRecordId:
            return []


DESTINATION = _Person()
