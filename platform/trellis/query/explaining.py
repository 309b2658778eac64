"""Why a formula field has its value for a record: the formula as a tree with the value at each part.

The values are those that the asker may read; somebody who sees the field masked is told nothing of its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access import AccessDenied, Principal
from trellis.formula import ErrorValue, Step, explain
from trellis.formula.cases import write_value
from trellis.model import Model
from trellis.model.formulas import formula_of
from trellis.query.formulas import Surroundings
from trellis.query.paths import Paths
from trellis.query.query import InvalidQuery, problem
from trellis.query.run import get_record
from trellis_metadata.diagnostics import did_you_mean

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def explain_field(
    tenant: Tenant,
    connection: Connection,
    model: Model,
    principal: Principal,
    object_name: str,
    record: int,
    field_name: str,
) -> Step:
    """Return the tree of a formula field of one record.

    Raises :class:`NotFound` for a record that the asker may not see, :class:`InvalidQuery` for a field that is no formula,
    :class:`AccessDenied` where the formula reads what the asker may not see.
    """
    root = model.object(object_name)
    shown = get_record(tenant, connection, model, principal, object_name, record)
    field = root.field(field_name)
    if field is None or not field.is_formula or field_name not in shown:
        known = [f.name for f in root.formula_fields if f.name in shown]
        hint = did_you_mean(field_name[:60], known)
        message = f"'{object_name}' has no formula field '{field_name[:60]}'.{hint}"
        raise InvalidQuery([problem("field", "unknown_field", message)])
    formula = formula_of(model, root, field)
    paths = Paths(model, root, principal, Surroundings.of(tenant))
    if paths.reads_hidden(root, formula):
        raise AccessDenied(f"'{field_name}' is computed from fields that you may not see.")
    inputs = paths.inputs(formula)
    query = sa.select(*inputs.columns).select_from(paths.source).where(root.table.c.id == record)
    return explain(formula.source, inputs.decode(tuple(connection.execute(query).one())))


def step_json(step: Step) -> dict[str, Any]:
    """Return a step with its parts: ``text`` of the formula, ``label``, and ``value`` or ``error``."""
    failed = isinstance(step.value, ErrorValue)
    found = {"error": step.value.message} if failed else {"value": write_value(step.value, "", None)}
    return {"text": step.text, "label": step.label, **found, "parts": [step_json(part) for part in step.parts]}
