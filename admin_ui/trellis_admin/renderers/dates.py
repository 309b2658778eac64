"""Dates, moments, times of day and lengths of time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from babel.dates import format_date, format_datetime, format_time
from babel.units import format_unit
from markupsafe import Markup, escape

from trellis_admin.renderers.base import RenderContext, Renderer

TYPES = ("date", "datetime", "time", "duration")
_TIME = '<time datetime="{}"{}>{}</time>'
_DURATION = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z")


def compile(field: Mapping[str, Any], context: RenderContext) -> Renderer:
    return {"date": _date, "datetime": _datetime, "time": _time, "duration": _duration}[field["type"]](context)


def _date(context: RenderContext) -> Renderer:
    pattern, locale = context.language.date, context.locale

    @lru_cache(maxsize=512)
    def render(value: Any) -> str:
        try:
            day = dt.date.fromisoformat(str(value)[:10])
        except ValueError:
            return escape(value)
        return Markup(_TIME.format(day.isoformat(), "", escape(format_date(day, pattern, locale=locale))))

    return render


def moment(value: str) -> dt.datetime:
    """Read an ISO moment; one without an offset is in UTC."""
    read = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)


def _datetime(context: RenderContext) -> Renderer:
    pattern, locale, zone = context.language.datetime, context.locale, context.time_zone

    def render(value: Any) -> str:
        try:
            at = moment(str(value))
        except ValueError:
            return escape(value)
        return Markup(_TIME.format(escape(value), "", escape(format_datetime(at, pattern, tzinfo=zone, locale=locale))))

    return render


def _time(context: RenderContext) -> Renderer:
    locale = context.locale

    def render(value: Any) -> str:
        try:
            return escape(format_time(dt.time.fromisoformat(str(value)), "short", locale=locale))
        except ValueError:
            return escape(value)

    return render


def _duration(context: RenderContext) -> Renderer:
    locale = context.locale

    def render(value: Any) -> str:
        found = _DURATION.match(str(value))
        if not found or not any(found.groups()[1:]):
            return escape(value)
        units = zip(("day", "hour", "minute", "second"), found.groups()[1:], strict=True)
        parts = [
            format_unit(float(n) if "." in n else int(n), f"duration-{unit}", "short", locale=locale)
            for unit, n in units
            if n and float(n)
        ]
        return escape((found[1] or "") + " ".join(parts or ["0"]))

    return render


def relative(at: dt.datetime, context: RenderContext) -> str:
    """Return a short form of a past or coming moment: time today, day this year, else the date."""
    local, today = at.astimezone(context.time_zone), context.today
    if local.date() == today:
        return format_time(local, "short", tzinfo=context.time_zone, locale=context.locale)
    pattern = context.language.month_day if local.year == today.year else context.language.date
    return format_date(local.date(), pattern, locale=context.locale)
