"""Made-up people, places and telephone numbers, Chinese and others."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from trellis.packs.demo.record import Story


@dataclass(frozen=True, slots=True)
class Person:
    """A name in its parts. ``mailbox`` is the part of the mail address before the at sign."""

    first: str
    last: str
    mailbox: str
    language: str

    @property
    def name(self) -> dict[str, str]:
        """The value of a person-name field."""
        return {"first": self.first, "last": self.last}

    @property
    def full(self) -> str:
        """The name as it is written: 陈思远, Anna Smith."""
        return self.last + self.first if self.language == "zh" else f"{self.first} {self.last}"


def person(story: Story, language: str) -> Person:
    """Return a person whose name is Chinese (``zh``) or not."""
    names = story.data("people")[language]
    first, last = story.random.choice(names["first"]), story.random.choice(names["last"])
    if language == "zh":
        return Person(first[0], last[0], f"{first[1]}.{last[1]}", language)
    return Person(first, last, f"{_plain(first)}.{_plain(last)}", language)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(c for c in letters if c.isalpha())


def place(story: Story, language: str) -> dict[str, Any]:
    """Return a city, large ones more often."""
    places = story.data("places")[language]
    chosen: dict[str, Any] = story.random.choices(places, [p["weight"] for p in places])[0]
    return chosen


def address(story: Story, where: dict[str, Any]) -> dict[str, str]:
    """Return an address in a city."""
    street = story.random.choice(where["streets"]).format(n=story.random.randint(2, 980))
    return {
        "street": street,
        "city": where["city"],
        "state": where["state"],
        "postal_code": digits(story, where["postal_code"]),
        "country": where["country"],
    }


def mobile(story: Story, where: dict[str, Any]) -> str:
    """Return a mobile number of the country; outside China one from a small block."""
    return digits(story, where.get("mobile") or story.random.choice(story.data("places")["chinese_mobiles"])).replace(
        " ", ""
    )


def digits(story: Story, pattern: str) -> str:
    """Return ``pattern`` with a random digit for each ``#``."""
    return "".join(str(story.random.randrange(10)) if c == "#" else c for c in pattern)
