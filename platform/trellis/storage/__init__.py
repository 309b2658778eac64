"""Engines, column types, physical tables and their changes: the only part of the runtime that knows databases apart."""
