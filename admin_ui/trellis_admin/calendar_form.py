"""A calendar document as a form and back: a week of hours, the holidays, and a row for each day of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from trellis_admin.setup_documents import api_name, label
from trellis_metadata.calendars import WEEKDAYS

NEW_DAYS = 3
_SPLIT = re.compile(r"[,;，；、\s]+")
_DAY_KEYS = ("name", "label", "label_zh", "date", "until", "every_year", "kind", "hours")


def shown(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form shows of a document; ``days`` ends with empty rows."""
    texts = document.get("label", "")
    texts = texts if isinstance(texts, Mapping) else {"en": texts}
    hours, holidays = document.get("hours", {}), document.get("holidays", {})
    return {
        "label": texts.get("en", ""),
        "label_zh": texts.get("zh", ""),
        "time_zone": document.get("time_zone", ""),
        "extends": document.get("extends", ""),
        "default": document.get("default", False),
        "hours": {day: ", ".join(hours.get(day, ())) for day in WEEKDAYS},
        "closed": {day for day in WEEKDAYS if hours.get(day) == []},
        "country": holidays.get("country", ""),
        "subdivision": holidays.get("subdivision", ""),
        "no_holidays": "holidays" in document and not holidays,
        "make_up_days": holidays.get("make_up_days", True),
        "make_up_like": document.get("make_up_like", ""),
        "days": [*map(_shown_day, document.get("days", ())), *({} for _ in range(NEW_DAYS))],
    }


def _shown_day(day: Mapping[str, Any]) -> dict[str, Any]:
    texts = day.get("label", "")
    texts = texts if isinstance(texts, Mapping) else {"en": texts}
    return {
        "name": day["name"],
        "label": texts.get("en", ""),
        "label_zh": texts.get("zh", ""),
        "date": day["date"],
        "until": day.get("until", ""),
        "every_year": day.get("every_year", False),
        "kind": "working" if day.get("working") else "closed",
        "hours": ", ".join(day.get("hours", ())),
    }


def document_of(stored: Mapping[str, Any], form: MultiDict[str, str]) -> dict[str, Any]:
    """Return ``stored`` with what the form says. Nothing is judged here: a wrong value is told by the check of documents."""
    text = {k: v.strip() for k, v in form.items()}
    hours = {
        day: [] if text.get(f"closed_{day}") else _shifts(text.get(f"hours_{day}", ""))
        for day in WEEKDAYS
        if text.get(f"closed_{day}") or text.get(f"hours_{day}")
    }
    days = [day for i in range(form.get("day_rows", 0, type=int)) if (day := _day(text, i)) is not None]
    found: dict[str, Any] = {
        "label": label(text.get("label", ""), text.get("label_zh", "")),
        "extends": text.get("extends"),
        "default": bool(text.get("default")),
        "time_zone": text.get("time_zone"),
        "hours": hours,
        "holidays": _holidays(text),
        "make_up_like": text.get("make_up_like"),
        "days": days,
    }
    kept = {k: v for k, v in stored.items() if k not in found}
    return {**kept, **{k: v for k, v in found.items() if v or (k == "holidays" and v is not None)}}


def _shifts(text: str) -> list[str]:
    return [part.replace("–", "-") for part in _SPLIT.split(text) if part]


def _holidays(text: Mapping[str, str]) -> dict[str, Any] | None:
    if text.get("no_holidays"):
        return {}
    if not text.get("country"):
        return None
    found: dict[str, Any] = {"country": text["country"].upper()}
    if text.get("subdivision"):
        found["subdivision"] = text["subdivision"]
    if not text.get("make_up_days"):
        found["make_up_days"] = False
    return found


def _day(text: Mapping[str, str], row: int) -> dict[str, Any] | None:
    given = {key: text.get(f"day{row}_{key}", "") for key in _DAY_KEYS}
    if not given["date"] or text.get(f"day{row}_remove"):
        return None
    found: dict[str, Any] = {
        "name": given["name"] or f"day_{given['date'].replace('-', '_')}_{row}",
        "date": given["date"],
    }
    if given["label"]:
        found["label"] = label(given["label"], given["label_zh"])
    if given["until"]:
        found["until"] = given["until"]
    if given["every_year"]:
        found["every_year"] = True
    if given["kind"] == "working":
        found["working"] = True
        if given["hours"]:
            found["hours"] = _shifts(given["hours"])
    return found


def new_name(form: Mapping[str, str]) -> str:
    """Return the API name of a new calendar."""
    return form.get("name", "").strip() or api_name(form.get("label", ""))
