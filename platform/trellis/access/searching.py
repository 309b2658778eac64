"""Search for those who do not see every field that the search index covers.

The index holds the words of all search fields together: a hit would tell that a hidden field holds the word. Such a principal
searches in the text of the fields that he sees instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from trellis.access.rights import rights

if TYPE_CHECKING:
    from trellis.query.paths import Paths


def words_in_visible_fields(paths: Paths, text: str) -> sa.ColumnElement[bool] | None:
    """Return the condition that every word stands in a visible search field; None where the index tells nothing hidden."""
    root = paths.root
    allowed = rights(paths.principal, root.doc)
    if not allowed.hides_fields:
        return None
    names = [p.split(".")[0] for p in root.search_paths]
    seen = [n for n in names if allowed.may_read_field(n) and not allowed.masks(n)]
    if len(seen) == len(names):
        return None
    columns: list[Any] = [r.column for n in seen if (r := paths.resolve(n)).category == "text" and r.columns]
    words = [w for w in text.split() if w][:20]
    return sa.and_(
        sa.false() if not columns else sa.true(),
        *(sa.or_(sa.false(), *(c.icontains(w, autoescape=True) for c in columns)) for w in words),
    )
