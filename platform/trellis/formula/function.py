"""A function: declaration and bodies in one value, one file each in ``trellis.formula.functions``.

Bodies
------
``python``
    Called with the values of the arguments. With ``Blanks.PASS`` it is not called when one of them is blank (None).
    ``context`` puts the evaluation context first.
``build``
    Instead of ``python`` where evaluation is lazy or depends on static types: gets the argument nodes and their
    closures, returns the closure of the call.
``raw``
    A truth value of a field comes as it is stored, maybe blank; elsewhere a blank one counts as false.
``postgresql``
    A template over the arguments (``{0}`` …; ``{*}`` is all of them, with commas), or a callable from nodes and SQL
    to SQL. It must never raise in the database: partial operations return NULL. ``fails`` then tells an error from a
    blank:
    ``"null"`` means that a NULL from arguments that are not NULL is an error, anything else is a template of a
    condition.
``helpers``
    DDL of PostgreSQL functions that the template calls, in the schema ``trellis_fn``.
``sqlite``
    A template that SQLite computes exactly by itself and that cannot fail. Without it the Python body is called from
    SQLite.
``refused``
    Why the function has no SQL at all, where that is so.
``outside``
    Asks ``Context.outside`` for rates or records, which SQL cannot.
``bind``
    Returns the function for one version of the metadata, where it depends on documents. ``content`` then tells two
    versions apart.
``note``
    Says what a call did with the values of its arguments, for explanations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trellis.formula.values import Closure
from trellis_metadata.formula.functions import Blanks, FunctionSpec, Reads

if TYPE_CHECKING:
    from trellis.formula.sql.pieces import Sql
    from trellis_metadata.formula.typed import Node
    from trellis_metadata.snapshot import Snapshot

__all__ = ["Blanks", "Function", "Reads"]

SqlBody = str | Callable[[Sequence["Node"], Sequence["Sql"]], "Sql"]


@dataclass(frozen=True)
class Function(FunctionSpec):
    """A function of the expression language with everything that the back ends need."""

    python: Callable[..., Any] | None = field(default=None, compare=False)
    build: Callable[[Sequence[Node], Sequence[Closure]], Closure] | None = field(default=None, compare=False)
    context: bool = False
    raw: bool = False
    postgresql: SqlBody | None = field(default=None, compare=False)
    fails: str = ""
    helpers: str = ""
    sqlite: str | None = None
    refused: str = ""
    outside: bool = False
    bind: Callable[[Snapshot], Function] | None = field(default=None, compare=False)
    content: str = ""
    note: Callable[[Sequence[Any]], str] | None = field(default=None, compare=False)
