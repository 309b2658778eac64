"""Activities: calls, visits and mails before a deal moves on, tasks after it, and what is planned next."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import escape
from typing import Any

from trellis.packs.demo.crm.deals import STAGES, Deal
from trellis.packs.demo.crm.leads import Lead
from trellis.packs.demo.crm.team import mail_of
from trellis.packs.demo.crm.times import later, moment, until, working_day
from trellis.packs.demo.record import Ref, Story

_CLAUSE = re.compile(r"[.,:，。：]")
_OUTCOMES = {"connected": 5.0, "interested": 2.0, "call_back": 2.0, "no_answer": 2.0, "not_interested": 1.0}


def add_deal_activities(story: Story, deals: list[Deal]) -> None:
    """Add what happened around each move of each deal, and for open deals what comes next."""
    for deal in deals:
        for stage, day in deal.moves:
            before = max(deal.moves[0][1], day - timedelta(days=story.random.randint(1, 5)))
            after = day + timedelta(days=story.random.randint(1, 6))
            chance = story.random.random()
            if chance < 0.28:
                _call(story, deal, stage, before)
            elif chance < 0.48:
                _visit(story, deal, stage, before, planned=False)
            if story.random.random() < 0.28 and after < story.today:
                _mail(story, deal, stage, after)
            if story.random.random() < 0.24:
                _task(story, deal, stage, after)
        if deal.stage in STAGES:
            _next(story, deal)


def add_notes(story: Story, deals: list[Deal]) -> None:
    """Add what the owner of an open deal wrote down when it came to its stage. Draws nothing by chance: other data stay as they are."""
    for index, deal in enumerate([d for d in deals if d.stage in STAGES]):
        day = deal.moves[-1][1]
        if index % 3 or day >= story.today:
            continue
        texts = _texts(story, deal)["note"]
        text = texts[index // 3 % len(texts)]
        at = max(f"{day.isoformat()}T08:40:00Z", deal.record.values["created_at"])
        story.add("note", {
            "subject": _CLAUSE.split(text)[0], "about": deal.record.ref, "text": f"<p>{escape(text, quote=False)}</p>",
            **_stamps(deal.customer.owner, at),
        })  # fmt: skip


def add_lead_activities(story: Story, leads: list[Lead]) -> None:
    """Add the calls by which leads were followed up, soon after they came in."""
    for lead in leads:
        day = lead.since + timedelta(days=story.random.randint(0, 3))
        if lead.record.values["stage"] == "uql" or day >= story.today or story.random.random() < 0.6:
            continue
        texts = story.data("texts")[lead.company.language]
        rejected = lead.record.values["stage"] == "unqualified"
        words = {"company": lead.company.alias, "person": lead.who.full}
        at = moment(story.random, day, lead.company.language)
        _add_call(story, lead.owner, max(at, lead.record.values["created_at"]), {
            "subject": story.random.choice(texts["lead_call"]).format(**words), "regarding": lead.record.ref,
            "outcome": "not_interested" if rejected else "connected", "phone": lead.record.values["mobile"],
            "notes": story.random.choice(texts["lead_notes"]),
        })  # fmt: skip


def _words(deal: Deal) -> dict[str, str]:
    what = deal.customer.company
    return {
        "company": what.alias,
        "person": deal.customer.people[0].full,
        "product": deal.product.names[what.language],
        "owner": deal.customer.owner_name,
    }


def _texts(story: Story, deal: Deal) -> dict[str, Any]:
    found: dict[str, Any] = story.data("texts")[deal.customer.company.language]
    return found


def _stamps(owner: Ref, at: str) -> dict[str, Any]:
    return {"owner": owner, "created_by": owner, "modified_by": owner, "created_at": at, "modified_at": at}


def _call(story: Story, deal: Deal, stage: str, day: date) -> None:
    texts, contact = _texts(story, deal), deal.customer.contacts[0]
    _add_call(story, deal.customer.owner, moment(story.random, day, deal.customer.company.language), {
        "subject": story.random.choice(texts["call"][stage]).format(**_words(deal)), "regarding": deal.record.ref,
        "contact": contact.ref, "outcome": story.weighted(_OUTCOMES), "phone": contact.values["mobile"],
        "notes": story.random.choice(texts["call_notes"]),
    })  # fmt: skip


def _add_call(story: Story, owner: Ref, at: str, values: dict[str, Any]) -> None:
    spoke = values["outcome"] != "no_answer"
    minutes, seconds = story.random.randint(1, 28), story.random.randrange(60)
    story.add("call", {
        **values, "direction": "outbound" if story.random.random() < 0.8 else "inbound", "status": "done", "starts_at": at,
        "duration": f"PT{minutes}M{seconds}S" if spoke else None, "notes": values["notes"] if spoke else None,
        **_stamps(owner, at),
    })  # fmt: skip


def _visit(story: Story, deal: Deal, stage: str, day: date, *, planned: bool) -> None:
    texts, what = _texts(story, deal), deal.customer.company
    purpose, subject = texts["visit"][stage]
    at = moment(story.random, day, what.language)
    made = moment(story.random, story.today - timedelta(days=3), what.language) if planned else at
    made = max(made, deal.record.values["created_at"])
    on_site = story.random.random() < 0.7
    story.add("visit", {
        "subject": subject.format(**_words(deal)), "regarding": deal.record.ref, "contact": deal.customer.contacts[0].ref,
        "kind": "on_site" if on_site else "online", "purpose": purpose, "status": "planned" if planned else "done",
        "starts_at": at, "ends_at": later(at, minutes=30 * story.random.randint(2, 6)),
        "address": deal.customer.record.values["address"] if on_site else None,
        "check_in": {"latitude": what.where["latitude"], "longitude": what.where["longitude"]}
        if on_site and not planned else None,
        "result": None if planned else story.random.choice(texts["visit_results"]), **_stamps(deal.customer.owner, made),
    })  # fmt: skip


def _mail(story: Story, deal: Deal, stage: str, day: date) -> None:
    texts, words = _texts(story, deal), _words(deal)
    at = moment(story.random, day, deal.customer.company.language)
    sender, reader = mail_of(deal.customer.owner), deal.customer.contacts[0].values["email"]
    outgoing = story.random.random() < 0.85
    story.add("mail", {
        "subject": ("" if outgoing else "Re: ") + texts["mail"][stage].format(**words), "regarding": deal.record.ref,
        "direction": "outgoing" if outgoing else "incoming", "from_address": sender if outgoing else reader,
        "to_address": reader if outgoing else sender, "sent_at": at,
        "opened_at": until(story.today, later(at, minutes=story.random.randint(3, 900))) if story.random.random() < 0.6 else None,
        "body": texts["mail_body"].format(**{k: escape(v) for k, v in words.items()}), **_stamps(deal.customer.owner, at),
    })  # fmt: skip


def _task(story: Story, deal: Deal, stage: str, day: date) -> None:
    subject = _texts(story, deal)["task"][stage].format(**_words(deal))
    made = moment(story.random, min(day, story.today) - timedelta(days=1), deal.customer.company.language)
    due = working_day(day + timedelta(days=4))
    done = due < story.today and story.random.random() < 0.93
    _add_task(story, deal, subject, made, due, done=done)


def _add_task(story: Story, deal: Deal, subject: str, made: str, due: date, *, done: bool) -> None:
    open_status = story.random.choice(["planned", "planned", "in_progress"])
    finished = until(story.today, later(made, hours=story.random.randint(3, 60))) if done else None
    story.add("task", {
        "subject": subject, "regarding": deal.record.ref, "status": "done" if done else open_status, "due_on": due.isoformat(),
        "priority": story.weighted({"high": 2, "normal": 6, "low": 1}), "done_at": finished,
        **_stamps(deal.customer.owner, made), **({"modified_at": finished} if finished else {}),
    })  # fmt: skip


def _next(story: Story, deal: Deal) -> None:
    """Add the next step of an open deal: a visit in the coming weeks, or a task, of which some are overdue."""
    if story.random.random() < 0.3:
        day = story.today + timedelta(days=story.random.randint(1, 21))
        _visit(story, deal, deal.stage, day, planned=True)
        return
    subject = story.random.choice(_texts(story, deal)["follow_up"]).format(**_words(deal))
    due = working_day(story.today + timedelta(days=story.random.randint(-8, 14)))
    made = moment(story.random, story.today - timedelta(days=12), deal.customer.company.language)
    _add_task(story, deal, subject, max(made, deal.record.values["created_at"]), due, done=False)
