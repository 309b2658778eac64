"""What a bulk request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trellis.model import ObjectModel
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

OPERATIONS = ("create", "update", "upsert", "delete")
MODES = ("partial", "all_or_none")
FORMATS = ("ndjson", "csv")


class BadOrder(TrellisError):
    """The bulk request itself makes no sense; nothing was read."""

    code = "bad_request"


class UnknownKeyField(TrellisError):
    """The key of an upsert is not a unique field of the object."""

    code = "unknown_key_field"


@dataclass(frozen=True, slots=True)
class Order:
    """``operation`` on ``object`` for every row; ``key`` is the unique field by which ``upsert`` finds its record.

    ``mode`` ``partial`` writes the good rows, chunk by chunk; ``all_or_none`` writes all rows in one transaction or none.
    """

    object: str
    operation: str = "create"
    mode: str = "partial"
    key: str | None = None
    format: str = "ndjson"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("operation", self.operation, OPERATIONS),
            ("mode", self.mode, MODES),
            ("format", self.format, FORMATS),
        ):
            if value not in known:
                raise BadOrder(
                    f"'{what}' is one of {', '.join(known)}, not '{value[:40]}'.{did_you_mean(value[:40], known)}"
                )
        if (self.operation == "upsert") != (self.key is not None):
            raise BadOrder("'upsert' needs 'key', the name of a unique field; the other operations take none.")

    @property
    def from_text(self) -> bool:
        """Whether values are cells of a file rather than JSON."""
        return self.format == "csv"

    def columns(self, model: ObjectModel) -> list[str]:
        """Return the names that a row may have. Raises :class:`UnknownKeyField`."""
        if self.key is not None:
            keys = [k.fields[0] for k in model.unique_keys if len(k.fields) == 1]
            if self.key not in keys:
                raise UnknownKeyField(
                    f"'{self.key[:60]}' is not a unique field of '{model.name}'. Unique fields: {', '.join(keys) or 'none'}."
                )
        if self.operation == "delete":
            return ["id"]
        writable = [f.name for f in model.all_fields if f.writable]
        return ["id", "version", *writable] if self.operation == "update" else writable

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Order:
        return cls(raw["object"], raw["operation"], raw["mode"], raw["key"], raw["format"])
