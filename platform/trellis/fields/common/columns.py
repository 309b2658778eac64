"""Column types whose Python value is more than what the database holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from trellis.storage.types import text_column


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """A reference to a record: the object it belongs to and its number, which is unique within the tenant."""

    object: str
    id: int


class JoinedText(sa.types.TypeDecorator[tuple[str, ...]]):
    """A list of texts without ``;``, stored as ``;a;b;``.

    The separator stands at both ends so that ``LIKE '%;a;%'`` asks for membership. A plain text is bound as it is, for
    such patterns.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(text_column())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return value if value is None or isinstance(value, str) else joined(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(value[1:-1].split(";"))


def joined(items: tuple[str, ...] | list[str]) -> str:
    """Return the stored form of a list, ``;a;b;``."""
    return ";" + ";".join(items) + ";"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A sealed secret. It neither shows nor prints what it holds."""

    sealed: str

    def __repr__(self) -> str:
        return "Secret(set)"


class SealedText(sa.types.TypeDecorator[Secret]):
    """The sealed form of a secret; read as :class:`Secret`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Secret | None, dialect: Dialect) -> str | None:
        return None if value is None else value.sealed

    def process_result_value(self, value: str | None, dialect: Dialect) -> Secret | None:
        return None if value is None else Secret(value)
