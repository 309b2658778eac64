"""Finds the people whom rules name, for many records in a fixed number of statements.

The number of statements grows with the rules and with levels of management, never with the records. Only active people are
named. Every rule that names nobody says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trellis.fields.base import InvalidValue
from trellis.formula import ErrorValue
from trellis.model import ObjectModel
from trellis.named_people.directory import PeopleDirectory
from trellis.named_people.texts import Text, kind_word, text
from trellis.rules.formulas import Case, Formula, compiled, evaluate_all
from trellis.rules.reader import Onlooker, Reader
from trellis.rules.scope import ObjectScope
from trellis.rules.values import read, values_of
from trellis_metadata.labels import text_of
from trellis_metadata.named_people import ACTOR, way_of

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """Whom the rules name for one record: ``users`` in the order of the rules, ``how`` each was found, and ``nobody``: why
    rules named nobody (texts by language)."""

    users: tuple[int, ...]
    how: Mapping[int, Text] = field(default_factory=dict)
    nobody: tuple[Text, ...] = ()


def resolve(
    reader: Reader,
    model: ObjectModel | None,
    rules: Sequence[Rule],
    records: Sequence[Mapping[str, Any]],
    actors: Sequence[int | None],
) -> list[Named]:
    """Return, per record, whom ``rules`` name.

    ``records`` are stored values of ``model`` (None: there is no record, and the rules need none; then one empty mapping per
    question). ``actors`` are the people who did what the rules are about, one per record.
    """
    if not records:
        return []
    one = _Resolving(reader, model, rules, records, actors)
    return [one.named(index) for index in range(len(records))]


class _Resolving:
    """One call: everything is read first, for all records; then each record is answered from memory."""

    def __init__(
        self,
        reader: Reader,
        model: ObjectModel | None,
        rules: Sequence[Rule],
        records: Sequence[Mapping[str, Any]],
        actors: Sequence[int | None],
    ) -> None:
        self.reader, self.model, self.rules, self.records, self.actors = reader, model, rules, records, actors
        self.people = PeopleDirectory(reader)
        self.at_path = self._read_paths()
        self.said = self._run_formulas()
        self._load()

    def _path_of(self, rule: Rule) -> str | None:
        if "within" in rule:
            return "owner"
        if "head_of" in rule:
            return None if "." in rule["head_of"] else rule.get("of", "owner")
        return rule.get("field") or rule.get("manager_of")

    def _read_paths(self) -> list[dict[str, int | None]]:
        paths = sorted({p for r in self.rules if (p := self._path_of(r)) is not None})
        own = [p.split(".") for p in paths if p != ACTOR]
        model, env = self.model, self.reader.model.env
        found: Sequence[Mapping[str, Any]] = [{} for _ in self.records]
        if own and model is not None:
            found = read(self.reader, model, self.records, own, guarded=False)
        return [
            {p: self.actors[i] if p == ACTOR else _number(env, values.get(p)) for p in paths}
            for i, values in enumerate(found)
        ]

    def _run_formulas(self) -> list[dict[int, Any]]:
        """Return, per record, what the formula of each rule says, by the rule's index."""
        indexes = [i for i, r in enumerate(self.rules) if "formula" in r]
        out: list[dict[int, Any]] = [{} for _ in self.records]
        if not indexes or self.model is None:
            return out
        formulas = [_compiled(self.reader, self.model, self.rules[i]["formula"]) for i in indexes]
        paths = frozenset[str]().union(*(f.paths for f in formulas))
        for actor in dict.fromkeys(self.actors):
            mine = [i for i, a in enumerate(self.actors) if a == actor]
            reader = acting(self.reader, actor)
            records = [self.records[i] for i in mine]
            values = values_of(reader, self.model, records, records, paths)
            results = evaluate_all(reader, formulas, [Case(now, old) for now, old in values])
            for i, found in zip(mine, results, strict=True):
                out[i] = dict(zip(indexes, found, strict=True))
        return out

    def _load(self) -> None:
        people, rules = self.people, self.rules
        said = [(rules[i].get("as", "user"), str(v)) for row in self.said for i, v in row.items() if _is_name(v)]
        people.load_logins([*(n for r in rules for n in r.get("users", ())), *(n for k, n in said if k == "user")])
        people.load_belonging(
            [
                *((k, r[k]) for r in rules for k in ("role", "group") if k in r),
                *((k, n) for k, n in said if k in ("role", "group")),
            ]
        )
        persons = {u for row in self.at_path for u in row.values() if u is not None}
        people.load(persons)
        levels = max((r.get("levels", 1) for r in rules if "manager_of" in r), default=0)
        if levels:
            starts = {r["manager_of"] for r in rules if "manager_of" in r}
            people.load_managers(
                {u for row in self.at_path for p, u in row.items() if u is not None and p in starts}, levels
            )
        within = [("role" if "role" in r else "group", r.get("role") or r.get("group")) for r in rules if "within" in r]
        if within or any("head_of" in r for r in rules):
            members = {u for kind, name in within for u in people.belonging(kind, str(name))}
            people.load_units(persons | members)
        if any("head_of" in r for r in rules) or any(k == "unit" for k, _ in said):
            people.load_heads()

    def named(self, index: int) -> Named:
        """Answer for one record."""
        how: dict[int, Text] = {}
        nobody: list[Text] = []
        for position, rule in enumerate(self.rules):
            for user, why in self._by_rule(index, position, rule):
                if user is None:
                    nobody.append(why)
                else:
                    how.setdefault(user, why)
        return Named(tuple(how), how, tuple(nobody))

    def _by_rule(self, index: int, position: int, rule: Rule) -> Iterator[tuple[int | None, Text]]:
        """Yield the people of one rule with how they were found, or None with why there is nobody."""
        way = way_of(rule)
        if way == "users":
            for login in rule["users"]:
                yield self._login(login, text("users"))
        elif way in ("role", "group"):
            yield from self._belonging(index, way, rule)
        elif way == "formula":
            yield from self._said(self.said[index].get(position), rule.get("as", "user"))
        elif way == "head_of" and "." in rule["head_of"]:
            yield from self._heads(rule["head_of"], rule.get("levels", 0), None)
        else:
            yield from self._of_person(index, way, rule)

    def _login(self, login: str, how: Text) -> tuple[int | None, Text]:
        person = self.people.by_login(login)
        if person is None or not person.active:
            return None, text("no_user", name=login)
        return person.id, how

    def _belonging(self, index: int, kind: str, rule: Rule) -> Iterator[tuple[int | None, Text]]:
        name = rule[kind]
        label = self._label(kind, name)
        people = self.people.belonging(kind, name)
        if "within" not in rule:
            yield from ((u, text(kind, name=label)) for u in people)
            if not people:
                yield None, text(f"no_{kind}", name=label)
            return
        owner = self.at_path[index]["owner"]
        if owner is None:
            yield None, text("no_person", name="owner")
            return
        units = self.people.units(owner, rule["within"])
        if not units:
            yield None, text("no_unit", person=self.people.name(owner), name=rule["within"])
        for unit in units:
            yield from self._within(unit, kind, label, people)

    def _within(self, unit: str, kind: str, label: Text, people: Sequence[int]) -> Iterator[tuple[int | None, Text]]:
        tree = unit.partition(".")[0]
        for one in self.people.above(unit):
            found = [u for u in people if one in self.people.units(u, tree)]
            if found:
                yield from ((u, text(f"{kind}_within", name=label, unit=self.people.unit_label(one))) for u in found)
                return
        yield None, text(f"no_{kind}_within", name=label, unit=self.people.unit_label(unit))

    def _of_person(self, index: int, way: str, rule: Rule) -> Iterator[tuple[int | None, Text]]:
        path = rule.get("of", "owner") if way == "head_of" else rule[way]
        user = self.at_path[index][path]
        if user is None:
            yield None, text("no_actor") if path == ACTOR else text("no_person", name=path)
            return
        name = self.people.name(user)
        if way == "field":
            how = text("actor") if path == ACTOR else text("field", name=path)
            yield (user, how) if self.people.is_active(user) else (None, text("not_active", person=name))
        elif way == "manager_of":
            levels = rule.get("levels", 1)
            found = self.people.manager(user, levels)
            code = "no_manager" if found is None else "manager_of" if levels == 1 else "manager_above"
            yield found, text(code, person=name, levels=str(levels))
        else:
            units = self.people.units(user, rule["head_of"])
            if not units:
                yield None, text("no_unit", person=name, name=rule["head_of"])
            for unit in units:
                yield from self._heads(unit, rule.get("levels", 0), user)

    def _heads(self, unit: str, levels: int, other_than: int | None) -> Iterator[tuple[int | None, Text]]:
        """Yield the heads of a unit ``levels`` up, or of the nearest one above that has a head."""
        for one in self.people.above(unit)[levels:]:
            found = [u for u in self.people.heads(one) if u != other_than]
            if found:
                yield from ((u, text("head_of", unit=self.people.unit_label(one))) for u in found)
                return
        yield None, text("no_head", unit=self.people.unit_label(unit))

    def _said(self, value: Any, kind: str) -> Iterator[tuple[int | None, Text]]:
        if isinstance(value, ErrorValue):
            yield None, text("formula_error", problem=value.message)
            return
        if not _is_name(value):
            yield None, text("blank_formula")
            return
        name, how = str(value), text("formula", kind=kind_word(kind), name=str(value))
        if kind == "user":
            yield self._login(name, how)
        elif kind == "unit":
            known = name in self.people.parents
            yield from (
                self._heads(name, 0, None) if known else [(None, text("no_such", kind=kind_word(kind), name=name))]
            )
        else:
            people = self.people.belonging(kind, name)
            yield from ((u, how) for u in people)
            if not people:
                known = name in self.reader.model.snapshot.of_kind(kind)
                label = self._label(kind, name)
                yield (
                    None,
                    text(f"no_{kind}", name=label) if known else text("no_such", kind=kind_word(kind), name=name),
                )

    def _label(self, kind: str, name: str) -> Text:
        document = self.reader.model.display.get(kind, name) or {}
        return {language: text_of(document.get("label"), language, name) for language in ("en", "zh")}


def _number(env: Any, value: Any) -> int | None:
    try:
        return None if value is None else int(env.parse_id(str(value), ["user"])[1])
    except InvalidValue:
        return None


def _is_name(value: Any) -> bool:
    return value is not None and not isinstance(value, ErrorValue) and str(value) != ""


def _compiled(reader: Reader, model: ObjectModel, formula: str) -> Formula:
    key = ("people_formula", model.name, formula)
    if key not in reader.model.cache:
        scope = ObjectScope(reader.model.snapshot, model.name)
        reader.model.cache[key] = compiled(scope, formula, returns=None, blanks="blank")
    found: Formula = reader.model.cache[key]
    return found


def acting(reader: Reader, actor: int | None) -> Reader:
    """Return the reader for whom ``$user`` is the actor."""
    if reader.principal.user == actor:
        return reader
    return Onlooker(reader.tenant, reader.connection, reader.model, replace(reader.principal, user=actor), reader.now)
