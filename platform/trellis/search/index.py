"""Keeps the search index in step with records, inside the transaction that writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.model import ObjectModel
from trellis.search.tokens import query_terms, tokens_of
from trellis.storage import system
from trellis.storage.prepared import Prepared
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

_S = system.search.c
_INSERT = Prepared.insert(system.search, "record", "object", "tokens")


class SearchIndex:
    """Writes and asks ``t_search``."""

    def update(self, tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
        """Bring the index in line with the rows just written."""
        names = [p for p in model.search_paths if p in model.fields]
        if not names:
            return
        stale = [r for r in rows if r.old is None or any(n in r.new for n in names) or "deleted_at" in r.new]
        if not stale:
            return
        old = [r.id for r in stale if r.old is not None]
        for start in range(0, len(old), 500):
            tx.connection.execute(system.search.delete().where(_S.record.in_(old[start : start + 500])))
        fresh = []
        for row in stale:
            if row.value("deleted_at") is None:
                text = " ".join(tokens_of(" ".join(self._texts(model, names, row))))
                if text:
                    fresh.append({"record": row.id, "object": model.name, "tokens": text})
        _INSERT.run_many(tx.connection, fresh)

    def _texts(self, model: ObjectModel, names: Sequence[str], row: Row) -> list[str]:
        texts = []
        for name in names:
            value = row.value(name)
            if value is not None:
                codec = model.fields[name].codec
                write = codec.search_text or codec.to_text or str
                texts.append(write(value))
        return texts


def matching_ids(dialect: str, text: str, object_name: str | None = None) -> Any:
    """Return a select of the ids of records that contain all terms of ``text``; of nothing when it has no terms."""
    terms = query_terms(text)
    if not terms:
        return sa.select(_S.record).where(sa.false())
    if dialect == "sqlite":
        expression = " AND ".join(f'"{t}"*' if prefix else f'"{t}"' for t, prefix in terms)
        ids = sa.text("SELECT rowid FROM t_search_fts WHERE t_search_fts MATCH :fts").bindparams(fts=expression)
        query = sa.select(_S.record).where(_S.record.in_(ids.columns(rowid=sa.BigInteger())))
    else:
        expression = " & ".join(f"'{t}':*" if prefix else f"'{t}'" for t, prefix in terms)
        query = sa.select(_S.record).where(
            sa.func.to_tsvector(sa.literal_column("'simple'"), _S.tokens).op("@@")(
                sa.func.to_tsquery(sa.literal_column("'simple'"), expression)
            )
        )
    return query if object_name is None else query.where(_S.object == object_name)
