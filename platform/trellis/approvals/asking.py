"""Who is asked in a step: the people that its rules name, without those who may not decide, through their stand-ins.

Somebody who is away keeps his seat when his stand-in may not decide or is asked in the same step already: nobody gets two votes,
and no vote that the rule demands disappears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trellis.absences import stand_ins
from trellis.access.organisation import Directory
from trellis.approvals.approval import Step
from trellis.approvals.desk import Case
from trellis.approvals.messages import both
from trellis.clock import today
from trellis.formula import ErrorValue
from trellis.named_people import Named, acting, resolve
from trellis.named_people.directory import PeopleDirectory
from trellis.named_people.texts import Text, text
from trellis.rules.formulas import Case as FormulaCase
from trellis.rules.formulas import Formula, evaluate_all
from trellis.rules.reader import Reader
from trellis.rules.values import values_of

if TYPE_CHECKING:
    from trellis.model import ObjectModel


@dataclass(frozen=True, slots=True)
class Asked:
    """One seat to be made: whom the rules named, who holds it (negative: a group), and why."""

    first: int | None
    holder: int
    queue: str | None
    why: Text


@dataclass(slots=True)
class Answer:
    """Who is asked in one step of one case. ``applies`` False: the step is passed over. ``nobody``: why rules found nobody."""

    applies: bool
    seats: list[Asked] = field(default_factory=list)
    nobody: list[Text] = field(default_factory=list)


def conditions(reader: Reader, model: ObjectModel, formula: Formula | None, cases: Sequence[Case]) -> list[Any]:
    """Return a condition's value for each case, as for the one who submitted it; True without a condition."""
    found: list[Any] = [True] * len(cases)
    if formula is None:
        return found
    for submitter in dict.fromkeys(c.request.submitted_by for c in cases):
        mine = [i for i, c in enumerate(cases) if c.request.submitted_by == submitter]
        one = acting(reader, submitter)
        records = [cases[i].values for i in mine]
        values = values_of(one, model, records, records, formula.paths)
        for i, (value,) in zip(mine, evaluate_all(one, [formula], [FormulaCase(n, o) for n, o in values]), strict=True):
            found[i] = value
    return found


def ask(reader: Reader, wanted: Sequence[tuple[Case, Step]]) -> list[Answer]:
    """Return who is asked, per case and step. The statements grow with the steps, not with the cases."""
    answers: list[Answer | None] = [None] * len(wanted)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, (case, step) in enumerate(wanted):
        groups.setdefault((case.approval.digest, step.name), []).append(index)
    for indexes in groups.values():
        step = wanted[indexes[0]][1]
        cases = [wanted[i][0] for i in indexes]
        for index, answer in zip(indexes, _ask(reader, step, cases), strict=True):
            answers[index] = answer
    return [a for a in answers if a is not None]


def _ask(reader: Reader, step: Step, cases: Sequence[Case]) -> list[Answer]:
    model = reader.model.object(cases[0].approval.object)
    holds = conditions(reader, model, step.when, cases)
    # A condition that cannot be computed takes the step: closed, not open.
    answers = [Answer(isinstance(v, ErrorValue) or bool(v)) for v in holds]
    taken = [i for i, a in enumerate(answers) if a.applies]
    if not taken:
        return answers
    some = [cases[i] for i in taken]
    if step.queue is not None:
        found = _queue(reader, step.queue, some)
    else:
        found = _people(reader, model, step.approvers, some)
        short = [n for n, a in enumerate(found) if not a.seats]
        if short and step.fallback:
            second = _people(reader, model, step.fallback, [some[n] for n in short])
            for n, answer in zip(short, second, strict=True):
                answer.nobody = [*found[n].nobody, *answer.nobody]
                found[n] = answer
    for i, answer in zip(taken, found, strict=True):
        answers[i] = answer
    return answers


def _people(
    reader: Reader, model: ObjectModel, rules: Sequence[Mapping[str, Any]], cases: Sequence[Case]
) -> list[Answer]:
    actors = [c.request.submitted_by for c in cases]
    named = resolve(reader, model, rules, [c.values for c in cases], actors)
    users = {u for n in named for u in n.users}
    people = PeopleDirectory(reader)
    people.load(users)
    here = stand_ins(reader.connection, reader.model, users, today(reader.tenant.clock, reader.tenant.time_zone))
    people.load(here.values())
    return [_seats(case, n, here, people) for case, n in zip(cases, named, strict=True)]


def _seats(case: Case, named: Named, here: Mapping[int, int], people: PeopleDirectory) -> Answer:
    barred = barred_now(case)
    answer = Answer(True, nobody=list(named.nobody))
    able = [u for u in named.users if u not in barred]
    for user in named.users:
        if user in barred:
            reason = both(f"reason_{barred[user]}")
            answer.nobody.append(both("left_out", person=people.name(user), reason=reason))
    taken = set(able)
    for user in able:
        holder, why = user, named.how[user]
        other = here.get(user)
        if other is not None and other not in taken and other not in barred:
            taken.add(other)
            holder, why = other, both("stand_in", person=people.name(user))
        answer.seats.append(Asked(user, holder, None, why))
    return answer


def barred_now(case: Case) -> dict[int, str]:
    """Return who may not be asked: those who may never decide, and who decided before where steps are kept apart."""
    barred = case.barred()
    if case.approval.separation.steps:
        barred = {**dict.fromkeys(case.deciders(), "steps"), **barred}
    return barred


def _queue(reader: Reader, group: str, cases: Sequence[Case]) -> list[Answer]:
    people = PeopleDirectory(reader)
    people.load_belonging([("group", group)])
    members = people.belonging("group", group)
    answers = []
    for case in cases:
        able = [u for u in members if u not in barred_now(case)]
        why = text("group", name=group)
        if able:
            number = Directory(reader.connection).number(("group", group))
            answers.append(Answer(True, [Asked(None, number, group, why)]))
        else:
            answers.append(Answer(True, nobody=[text("no_group", name=group)]))
    return answers
