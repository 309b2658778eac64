"""Two people change one record: what only one of them changed is kept, where both did the person chooses."""

from __future__ import annotations

import html
import re

import pytest


class Record:
    """An account of its own with its form as somebody opened it."""

    def __init__(self, client) -> None:
        self.client = client
        made = client.post(
            "/o/account/new", data={"name": "Start", "website": "https://start.example", "phone": "+86 21 5555 1031"}
        )
        self.url = made.location
        self.form = self.shown()

    def shown(self) -> dict[str, str]:
        page = self.client.get(f"{self.url}/edit").text
        found = {}
        for control in re.findall(r"<input[^>]+>", page):
            name, value = (
                re.search(r'name="(name|website|phone|version)"', control),
                re.search(r'value="([^"]*)"', control),
            )
            if name and value:
                found[name[1]] = html.unescape(value[1])
        return found

    def save(self, version: str | None = None, **values: str):
        data = {**self.form, **values, **({"version": version} if version else {})}
        return self.client.post(f"{self.url}/edit", data=data)


@pytest.fixture
def record(admin) -> Record:
    return Record(admin)


def test_changes_to_different_fields_are_both_kept(record):
    assert record.save(website="https://theirs.example").status_code == 303
    assert record.save(name="Mine").status_code == 303
    now = record.shown()
    assert (now["name"], now["website"], now["phone"]) == ("Mine", "https://theirs.example", record.form["phone"])


def test_where_both_changed_the_person_chooses_field_by_field(record):
    record.save(name="Theirs", website="https://theirs.example")
    asked = record.save(name="Mine", website="https://mine.example")
    assert asked.status_code == 409
    assert set(re.findall(r'name="keep:(\w+)" value="theirs"', asked.text)) == {"name", "website"}
    assert record.shown()["name"] == "Theirs"
    version = re.search(r'name="version" value="(\d+)"', asked.text)[1]
    chosen = {"keep:name": "theirs", "keep:website": "mine"}
    assert record.save(version, name="Mine", website="https://mine.example", **chosen).status_code == 303
    now = record.shown()
    assert (now["name"], now["website"]) == ("Theirs", "https://mine.example")


def test_field_that_the_person_left_alone_shows_the_new_value_in_the_form(record):
    record.save(name="Theirs", website="https://theirs.example")
    asked = record.save(name="Mine").text
    assert set(re.findall(r'name="keep:(\w+)" value="theirs"', asked)) == {"name"}
    assert 'value="https://theirs.example"' in asked
    assert 'value="Mine"' in asked


def test_same_change_by_both_is_no_conflict(record):
    record.save(name="Same")
    assert record.save(name="Same").status_code == 303


def test_several_changes_of_others_are_compared_with_what_the_form_showed(record):
    record.save(name="Between")
    record.save(version=str(int(record.form["version"]) + 1), name=record.form["name"], phone="+86 21 5555 1032")
    # The name was changed and changed back: whoever changes it now is in conflict with nobody else's wish but must see it.
    answer = record.save(website="https://mine.example")
    assert answer.status_code == 303
    now = record.shown()
    assert (now["name"], now["website"]) == ("Start", "https://mine.example")
    assert now["phone"].replace(" ", "").endswith("1032")


def test_merge_obeys_the_rules_of_every_write(record):
    record.save(website="https://theirs.example")
    refused = record.save(name="")
    assert refused.status_code == 422
    assert "t-field__error" in refused.text
    assert record.shown()["name"] == "Start"
