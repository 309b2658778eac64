"""Typed queries: one definition becomes one SQL statement under the asker's rights."""

from trellis.query.query import Aggregate, InvalidQuery, Page, Query, Sort
from trellis.query.run import count_records, get_record, run_query

__all__ = ["Aggregate", "InvalidQuery", "Page", "Query", "Sort", "count_records", "get_record", "run_query"]
