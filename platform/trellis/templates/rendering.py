"""Renders templates for records: formulas evaluated, values written for the reader and escaped, the whole sanitised.

The values are those that the reader's principal may read: a text is no way around rights. Whoever renders for nobody in
particular (the system) sees everything.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from trellis.access.decide import allowed_ids
from trellis.formula import ErrorValue
from trellis.model import Model
from trellis.rules.formulas import Case, Formula, compiled, evaluate_all
from trellis.rules.reader import Reader
from trellis.rules.scope import ObjectScope
from trellis.rules.values import values_of
from trellis.templates.markup import plain_text, sanitised
from trellis.templates.values import writer_of
from trellis.transaction.statements import statements_of
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError
from trellis_metadata.formula.template import Part, parse_template
from trellis_metadata.kinds.template import KIND, TemplateDef


class UnknownTemplate(TrellisError):
    """There is no template of that name, or it is for another object or use."""

    code = "unknown_template"


class TemplateFailed(TrellisError):
    """A formula of the template cannot be computed for the record: nothing half-right is sent."""

    code = "template_failed"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text for one record. ``html`` is safe to show, ``text`` says the same without markup."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A fixed text (``formula`` is None), or the place of the formula of that index."""

    text: str
    formula: int | None = None


@dataclass(frozen=True)
class _Compiled:
    formulas: Sequence[Formula]
    subject: Sequence[_Piece]
    body: Sequence[_Piece]
    scope: ObjectScope


def template_of(model: Model, name: str, *, use: str | None = None, object_name: str | None = None) -> TemplateDef:
    """Return a template. Raises :class:`UnknownTemplate`, also where it is for another use or object."""
    known = model.snapshot.of_kind("template")
    if name not in known:
        raise UnknownTemplate(f"There is no template '{name[:60]}'.{did_you_mean(name, known)}")
    found = KIND.read(known[name])
    if use is not None and found.use != use:
        raise UnknownTemplate(f"The template '{name}' is for a {found.use}, not for a {use}.")
    if object_name is not None and found.object != object_name:
        raise UnknownTemplate(f"The template '{name}' is for records of '{found.object}', not of '{object_name}'.")
    return found


def render(
    reader: Reader, template: TemplateDef, records: Sequence[int], language: str, *, guarded: bool = False
) -> dict[int, Rendered]:
    """Return the text for each of ``records`` that is there, in a fixed number of statements.

    ``guarded``: values that the reader's principal may not read are blank. Raises :class:`TemplateFailed`.
    """
    made = _compiled(reader.model, template, language)
    owner = reader.model.object(template.object)
    stored = statements_of(owner).fetch(reader.connection, sorted(set(records)))
    ids = sorted(stored)
    paths = frozenset[str]().union(*(f.paths for f in made.formulas))
    read = values_of(reader, owner, [stored[i] for i in ids], [None] * len(ids), paths, guarded=guarded)
    found = evaluate_all(reader, made.formulas, [Case(now) for now, _ in read], guarded=guarded)
    zone = ZoneInfo(reader.tenant.time_zone)
    writers = [writer_of(made.scope, f.typed, language, zone) for f in made.formulas]
    return {number: _text(template, made, values, writers) for number, values in zip(ids, found, strict=True)}


def _text(
    template: TemplateDef, made: _Compiled, values: Sequence[Any], writers: Sequence[Callable[[Any], str]]
) -> Rendered:
    shown = []
    for value, write in zip(values, writers, strict=True):
        if isinstance(value, ErrorValue):
            raise TemplateFailed(f"A formula of the template '{template.name}' cannot be computed: {value.message}")
        shown.append(write(value))
    subject = "".join(p.text if p.formula is None else shown[p.formula] for p in made.subject)
    body = sanitised("".join(p.text if p.formula is None else _escaped(shown[p.formula]) for p in made.body))
    return Rendered(" ".join(subject.split()), body, plain_text(body))


def _escaped(value: str) -> str:
    return html.escape(value, quote=True).replace("\n", "<br>") if "\n" in value else html.escape(value, quote=True)


def _compiled(model: Model, template: TemplateDef, language: str) -> _Compiled:
    known: dict[tuple[str, str], _Compiled] = model.cache.setdefault("templates", {})
    if (template.name, language) not in known or template.document is not model.snapshot.get("template", template.name):
        text, scope = template.text_for(language), ObjectScope(model.snapshot, template.object)
        formulas: list[Formula] = []
        subject, body = (_pieces(scope, text[key], formulas) for key in ("subject", "body"))
        made = _Compiled(tuple(formulas), subject, body, scope)
        if template.document is not model.snapshot.get("template", template.name):
            return made  # a draft that somebody looks at
        known[template.name, language] = made
    return known[template.name, language]


def _pieces(scope: ObjectScope, text: str, formulas: list[Formula]) -> list[_Piece]:
    out = []
    for part in parse_template(text):
        if isinstance(part, Part):
            out.append(_Piece("", len(formulas)))
            formulas.append(compiled(scope, part.text, returns=None, blanks="blank"))
        else:
            out.append(_Piece(part))
    return out


def preview(reader: Reader, document: Mapping[str, Any], record: int, language: str) -> Rendered:
    """Return what a template, published or not, gives for a record that the reader's principal may read.

    Raises :class:`UnknownTemplate` when the record is not there, :class:`TemplateFailed`.
    """
    template = KIND.read(document)
    owner = reader.model.object(template.object)
    seen = allowed_ids(reader.connection, reader.principal, reader.model, owner, {record}, "read")
    found = render(reader, template, sorted(seen), language, guarded=True)
    if record not in found:
        raise UnknownTemplate("There is no such record.")
    return found[record]
