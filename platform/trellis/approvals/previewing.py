"""Tries an approval on a record: whether the record needs it, and who would be asked in each step, and why. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.approvals import desk as states
from trellis.approvals.approval import Approval, approval_of, compile_approval
from trellis.approvals.asking import Answer, ask, conditions
from trellis.approvals.desk import Case, Request
from trellis.formula import ErrorValue
from trellis.named_people.directory import PeopleDirectory
from trellis.rules.reader import Reader
from trellis.transaction.errors import NotFound
from trellis.transaction.statements import statements_of
from trellis_metadata.labels import text_of


def try_on(
    reader: Reader, approval: str | Mapping[str, Any], record: int, *, submitter: int | None = None
) -> dict[str, Any]:
    """Return what would happen if ``submitter`` (without: the reader) submitted a record now.

    ``approval`` is the name of a published one, or the document of a draft of the right shape. Raises ``NotFound``,
    ``UnknownApproval``, ``FormulaError``.
    """
    definition = (
        approval_of(reader.model, approval)
        if isinstance(approval, str)
        else compile_approval(reader.model, approval, "")
    )
    root = reader.model.object(definition.object)
    stored = statements_of(root).fetch(reader.connection, [record]).get(record)
    if stored is None or stored["deleted_at"] is not None:
        raise NotFound(f"There is no such record of '{definition.object}'.")
    user = reader.principal.user if submitter is None else submitter
    case = Case(_request(definition, record, user, reader), definition, values=stored)
    (needed,) = conditions(reader, root, definition.when, [case])
    steps = list(definition.steps.values())
    answers = ask(reader, [(case, s) for s in steps])
    people = PeopleDirectory(reader)
    people.load({u for a in answers for s in a.seats for u in (s.first, s.holder) if u is not None and u > 0})
    return {
        "needed": None if isinstance(needed, ErrorValue) else bool(needed),
        "problem": needed.message if isinstance(needed, ErrorValue) else None,
        "steps": [
            _step(reader, s.name, s.label(reader.principal.language), s.group, a, people)
            for s, a in zip(steps, answers, strict=True)
        ],
    }


def _request(definition: Approval, record: int, user: int | None, reader: Reader) -> Request:
    return Request(
        0, definition.name, definition.digest, definition.object, record, states.PENDING, 1, 0, user, reader.now
    )


def _step(reader: Reader, name: str, label: str, group: int, answer: Answer, people: PeopleDirectory) -> dict[str, Any]:
    language, env = reader.principal.language, reader.model.env
    return {
        "name": name,
        "label": label,
        "group": group,
        "applies": answer.applies,
        "people": [
            {
                "person": None
                if s.holder < 0
                else {"id": env.format_id("user", s.holder), "name": people.name(s.holder)},
                "queue": s.queue,
                "why": text_of(s.why, language),
            }
            for s in answer.seats
        ],
        "nobody": [text_of(t, language) for t in answer.nobody],
    }
