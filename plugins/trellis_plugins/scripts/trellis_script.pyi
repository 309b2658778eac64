"""Types of what a script finds: put this file beside your scripts, and an editor completes and checks them."""

from collections.abc import Iterator
from datetime import date as date
from datetime import datetime as datetime
from datetime import timedelta as timedelta
from datetime import timezone as timezone
from decimal import Decimal as Decimal
from typing import Any

Values = dict[str, Any]
Filters = Values | list[Any] | None

class Record:
    """A record. Fields are attributes and items: ``record.amount``, ``record["amount"]``."""

    id: str | None
    old: Record | None
    is_new: bool
    object: str
    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: Any) -> None: ...
    def __getitem__(self, name: str) -> Any: ...
    def __setitem__(self, name: str, value: Any) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, name: str) -> bool: ...
    def get(self, name: str, default: Any = None) -> Any: ...
    def keys(self) -> list[str]: ...
    def items(self) -> list[tuple[str, Any]]: ...
    def changed(self, name: str) -> bool: ...
    def currency(self, name: str) -> str | None: ...
    def reject(self, message: str, field: str | None = None) -> None: ...

class _Crm:
    def query(
        self,
        object: str,
        filters: Filters = None,
        fields: list[str] | None = None,
        order_by: str | list[str] | None = None,
        limit: int = 100,
    ) -> list[Record]: ...
    def get(self, object: str, id: str, fields: list[str] | None = None) -> Record | None: ...
    def count(self, object: str, filters: Filters = None) -> int: ...
    def create(self, object: str, values: Values | list[Values]) -> Any: ...
    def update(self, object: str, id: str | list[Values], values: Values | None = None) -> int: ...
    def delete(self, object: str, id: str | list[str]) -> int: ...

class _Log:
    def info(self, *values: Any) -> None: ...
    def warning(self, *values: Any) -> None: ...
    def error(self, *values: Any) -> None: ...

class _User:
    id: str | None
    name: str
    locale: str
    time_zone: str

class _Tenant:
    name: str
    locale: str
    time_zone: str
    currency: str

class _Limits:
    steps: int
    queries: int
    rows: int
    writes: int
    rows_written: int

class ApiError(Exception):
    message: str
    code: str
    field: str | None

class NotFound(ApiError): ...
class AccessDenied(ApiError): ...
class InvalidRecord(ApiError): ...

record: Record
old: Record | None
records: list[Record]
crm: _Crm
log: _Log
user: _User
tenant: _Tenant
limits: _Limits
request: Values
args: Any

def reject(message: str, field: str | None = None) -> None: ...
def now() -> datetime: ...
def today() -> date: ...
def enqueue(action: str, args: Any = None) -> bool: ...
