"""The action ``send_mail``: a mail from a template, put down in the transaction of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from trellis import templates
from trellis.automation.action import Action, Told
from trellis.automation.flow import Case, Flow
from trellis.automation.people import named
from trellis.automation.place import Place
from trellis.automation.step import Step
from trellis.deliveries import Outgoing, send_many
from trellis.formula import ErrorValue
from trellis.templates import Rendered
from trellis.templates.steps import check_template
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.kinds.template import MAIL
from trellis_plugins.mail.addresses import problem_of

_TO = ("to", "to_field", "address")


@dataclass(frozen=True, slots=True)
class _Recipient:
    name: str
    address: str
    language: str


class SendMail(Action):
    """Sends one mail per record. It leaves after the commit; the delivery log shows what became of it."""

    name = "send_mail"
    label = {"en": "Send mail", "zh": "发送邮件"}
    description = {"en": "From a template, to people or to an address.", "zh": "使用模板，发送给人员或邮件地址。"}
    icon = "mail"
    properties = {
        "template": {
            "description": "The template: one for mails, of the same object.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "examples": ["welcome"],
        },
        "to": {
            "description": "To whom, named by rule: everybody whom they name and who has a mail address.",
            "$ref": "#/$defs/people",
            "x-is": "people",
            "examples": [[{"manager_of": "owner"}]],
        },
        "to_field": {
            "description": "The field of the record that holds the address.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "field",
            "x-types": ["email"],
            "examples": ["email"],
        },
        "address": {
            "description": "A formula that gives the address.",
            "type": "string",
            "minLength": 1,
            "maxLength": 20000,
            "x-is": "formula",
            "x-returns": "text",
            "examples": ["contact.email"],
        },
        "attach": {
            "description": "The field of the record that holds a file to attach.",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "x-is": "field",
            "x-types": ["file"],
            "examples": ["offer_pdf"],
        },
        "language": {
            "description": "The language for addresses that belong to nobody here; people get their own.",
            "enum": ["en", "zh"],
            "examples": ["zh"],
        },
    }
    required = ("template",)

    def check(self, told: Told, at: str, place: Place) -> Iterator[Diagnostic]:
        yield from check_template(told["template"], MAIL, f"{at}/template", place)
        if not any(key in told for key in _TO):
            yield Diagnostic("no_recipient", at, f"The mail has no recipient: give {', '.join(_TO)}.", "")

    def run(self, flow: Flow, step: Step, cases: Sequence[Case]) -> None:
        tx, told = flow.tx, step.told
        default = told.get("language") or str(tx.tenant.settings.get("language", "en"))
        wanted = list(zip(cases, self._recipients(flow, step, cases, default), strict=True))
        texts = _texts(flow, told["template"], wanted)
        messages = []
        for case, people in wanted:
            if case.live and not people:
                case.fail("Nobody is there to whom the mail could go.")
            for language in sorted({p.language for p in people}) if case.live else ():
                mine = [p for p in people if p.language == language]
                messages.append((_message(case, mine, texts[language][case.id or 0], language, told), None))
            if case.live:
                case.tell(told=len(people))
        send_many(tx.connection, tx.now, messages)

    def _recipients(self, flow: Flow, step: Step, cases: Sequence[Case], default: str) -> list[list[_Recipient]]:
        found: list[dict[str, _Recipient]] = [{} for _ in cases]
        if "to" in step.told:
            people = named(flow, step.told["to"], cases)
            known = _users(flow, {u for _, who in people for u in who.users}, default)
            for mine, (_, who) in zip(found, people, strict=True):
                mine.update({known[u].address: known[u] for u in who.users if u in known})
        addresses: list[list[Any]] = [[c.values.get(step.told["to_field"])] for c in cases if "to_field" in step.told]
        if "address" in step.formulas:
            addresses += flow.evaluate([step.formulas["address"]], cases)
        for index, (value,) in enumerate(addresses):
            case, mine = cases[index % len(cases)], found[index % len(cases)]
            problem = value.message if isinstance(value, ErrorValue) else problem_of(str(value)) if value else None
            if problem:
                case.fail(problem)
            elif value:
                mine.setdefault(str(value), _Recipient("", str(value), default))
        return [list(f.values()) for f in found]


def _users(flow: Flow, numbers: set[int], default: str) -> dict[int, _Recipient]:
    """Return the people who have a mail address, in one statement."""
    if not numbers:
        return {}
    person = flow.tx.model.object("user")
    t, f = person.table, person.fields
    query = sa.select(t.c.id, f["name"].column, f["email"].column, f["language"].column).where(
        t.c.id.in_(sorted(numbers)), t.c.deleted_at.is_(None), f["email"].column.isnot(None)
    )
    return {r[0]: _Recipient(r[1] or "", r[2], r[3] or default) for r in flow.tx.connection.execute(query)}


def _texts(
    flow: Flow, name: str, wanted: Sequence[tuple[Case, Sequence[_Recipient]]]
) -> dict[str, dict[int, Rendered]]:
    """Return the rendered texts by language and record: a fixed number of statements per language."""
    template = templates.template_of(flow.tx.model, name, use=MAIL)
    by_language: dict[str, list[int]] = {}
    for case, people in wanted:
        for language in {p.language for p in people} if case.live else ():
            by_language.setdefault(language, []).append(case.id or 0)
    return {
        language: templates.render(flow.tx, template, ids, language, guarded=flow.guarded)
        for language, ids in by_language.items()
    }


def _message(
    case: Case, people: Sequence[_Recipient], text: Rendered, language: str, told: Mapping[str, Any]
) -> Outgoing:
    file_id = case.values.get(told["attach"]) if "attach" in told else None
    payload = {
        "to": [{"name": p.name, "address": p.address} for p in people],
        "subject": text.subject,
        "text": text.text,
        "html": text.html,
        "language": language,
        "files": [file_id] if file_id else [],
    }
    shown = ", ".join(p.address for p in people)
    return Outgoing("mail", shown, text.subject, payload, (str(case.object), case.id or 0))
