"""A formula as one column expression of SQLAlchemy: a flat row of texts and elements, rendered in order.

It is an ordinary :class:`~sqlalchemy.ColumnElement`: it may be selected, filtered, sorted and grouped by, its columns
count for the FROM clause and take part in aliasing, and statements with it are cached by SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.visitors import InternalTraversal

from trellis.formula.sql.pieces import Piece


class FormulaExpression(sa.ColumnElement[Any]):
    """The value, or the error condition, of a formula. ``program`` is kept alive with the expression."""

    __visit_name__ = "trellis_formula"
    inherit_cache = True
    _traverse_internals: visitors._TraverseInternalsType = [
        ("texts", InternalTraversal.dp_string_list),
        ("elements", InternalTraversal.dp_clauseelement_list),
        ("type", InternalTraversal.dp_type),
    ]

    def __init__(self, pieces: Sequence[Piece], type_: sa.types.TypeEngine[Any], program: object = None) -> None:
        texts: list[str] = [""]
        elements: list[sa.ColumnElement[Any]] = []
        for piece in pieces:
            if isinstance(piece, str):
                texts[-1] += piece
            else:
                elements.append(piece)
                texts.append("")
        self.texts = tuple(texts)
        """One more than there are elements: the text before each and after the last."""
        self.elements = elements
        self.type = type_
        self.program = program

    def self_group(self, against: Any = None) -> sa.ColumnElement[Any]:
        return self

    @property
    def _from_objects(self) -> list[Any]:
        return [f for element in self.elements for f in element._from_objects]


@compiles(FormulaExpression)
def _render(expression: FormulaExpression, compiler: Any, **options: Any) -> str:
    escape = compiler.preparer._double_percents
    out = []
    for index, text in enumerate(expression.texts):
        out.append(text.replace("%", "%%") if escape else text)
        if index < len(expression.elements):
            out.append(compiler.process(expression.elements[index], **options))
    return "(" + "".join(out) + ")"
