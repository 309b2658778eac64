"""What is particular to one type."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from fields.environment import Tenant
from fields.samples import codec_of

from trellis.fields import InvalidValue, field_types
from trellis.fields.auto_number import format_problem, render
from trellis.fields.lookup import RecordRef, on_delete_of
from trellis.fields.person_name import PersonName
from trellis.fields.secret import reveal


@pytest.mark.parametrize(
    ("format", "counter", "expected"),
    [
        ("D-{YYYY}-{00000}", 42, "D-2026-00042"),
        ("{YY}{MM}{DD}/{0}", 7, "260305/7"),
        ("{000}", 12345, "12345"),
        ("合同{YYYY}年{000}号", 1, "合同2026年001号"),
    ],
)
def test_auto_number_is_rendered(format: str, counter: int, expected: str) -> None:
    assert format_problem(format) is None
    assert render(format, counter, date(2026, 3, 5)) == expected


@pytest.mark.parametrize(
    "format",
    ["D-", "{00}{00}", "{QQ}{000}", "{000", "000}", "{}", " {000}", "{000}\n", "{{000}}", "{0" + "0" * 15 + "}"],
)
def test_bad_number_format_is_explained(format: str) -> None:
    assert (format_problem(format) or "").startswith("Found ")


@pytest.mark.parametrize(
    ("parts", "full", "formal"),
    [
        ({"first": "思远", "last": "陈"}, "陈思远", "陈思远"),
        ({"first": "思远", "last": "陈", "salutation": "先生"}, "陈思远", "陈思远先生"),
        ({"first": "思远", "last": "陈", "salutation": "Mr."}, "陈思远", "Mr. 陈思远"),
        (
            {"first": "Anna", "middle": "M.", "last": "Smith", "suffix": "PhD", "salutation": "Dr."},
            "Anna M. Smith PhD",
            "Dr. Anna M. Smith PhD",
        ),
        ({"first": "David", "last": "陈"}, "David 陈", "David 陈"),
        ({"last": "Cher"}, "Cher", "Cher"),
    ],
)
def test_name_is_shown_as_its_language_does(parts: dict[str, str], full: str, formal: str) -> None:
    assert PersonName(**parts).full == full
    assert PersonName(**parts).formal == formal


def test_chinese_address_runs_from_large_to_small() -> None:
    codec = codec_of("address")
    value = codec.parse(
        {"street": "长安街1号", "city": "北京市", "state": "北京", "postal_code": "100000", "country": "CN"}
    )
    assert value.line == "100000 北京北京市长安街1号 CN"
    assert (
        codec.parse({"street": "1 Main St", "city": "Springfield", "state": "IL", "country": "US"}).line
        == "1 Main St, Springfield IL, US"
    )


def test_refused_part_is_named() -> None:
    with pytest.raises(InvalidValue) as refusal:
        codec_of("address").parse({"city": 5})
    assert refusal.value.details["part"] == "city"
    assert refusal.value.message == "city: Found 5, expected a text."


def test_secret_is_sealed_and_shown_nowhere() -> None:
    codec = codec_of("secret")
    value = codec.parse("hunter2 ")
    assert "hunter2" not in repr(value) + str(value) + str(codec.to_json and codec.to_json(value)) + str(
        codec.to_text and codec.to_text(value)
    )
    assert value.sealed.startswith("sealed:")
    assert reveal(value, Tenant()) == "hunter2 "
    assert codec.search_text is None and codec.category == "opaque"


@pytest.mark.parametrize("payload", ["topsecret" * 1000, "topsecret\x00", ["topsecret"]])
def test_refusal_of_a_secret_does_not_quote_it(payload: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        codec_of("secret").parse(payload)
    assert "topsecret" not in refusal.value.message + str(refusal.value.details)


def test_time_without_zone_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidValue, match="a time without zone names no moment"):
        codec_of("datetime").parse("2026-11-22T08:00:00")


def test_moment_of_python_is_brought_to_utc() -> None:
    codec = codec_of("datetime")
    moment = codec.parse(datetime(2026, 11, 22, 16, tzinfo=timezone(timedelta(hours=8))))
    assert codec.to_json is not None and codec.to_json(moment) == "2026-11-22T08:00:00Z"


def test_duration_of_python_is_taken_in_whole_seconds() -> None:
    codec = codec_of("duration")
    assert codec.parse(timedelta(days=1, seconds=5)) == 86_405
    for bad in (timedelta(microseconds=1), timedelta(seconds=-1)):
        with pytest.raises(InvalidValue):
            codec.parse(bad)


@pytest.mark.parametrize(
    ("doc", "rule"),
    [
        ({"type": "lookup", "target": "account"}, "set_null"),
        ({"type": "lookup", "target": "account", "required": True}, "restrict"),
        ({"type": "lookup", "target": "account", "on_delete": "cascade"}, "cascade"),
        ({"type": "user"}, "set_null"),
        ({"type": "master_detail", "target": "account"}, "cascade"),
    ],
)
def test_deletion_of_the_target_has_a_rule(doc: dict[str, Any], rule: str) -> None:
    assert on_delete_of(doc) == rule


def test_several_targets_take_a_second_column() -> None:
    one, two = codec_of("lookup", target="account"), codec_of("lookup", target=["account", "contact"])
    assert [c.suffix for c in one.columns] == [""] and one.targets == ("account",)
    assert [c.suffix for c in two.columns] == ["", "object"] and two.targets == ("account", "contact")
    assert two.to_columns is not None and two.to_columns(RecordRef("contact", 5)) == (5, "contact")


def test_master_detail_is_required_whatever_its_document_says() -> None:
    kind = field_types()["master_detail"]
    assert kind.always_required
    assert not field_types()["lookup"].always_required


def test_phone_is_found_by_its_national_digits() -> None:
    search = codec_of("phone").search_text
    assert search is not None and search("+8613812345678") == "+8613812345678 13812345678"


def test_rich_text_is_searched_by_its_words() -> None:
    codec = codec_of("rich_text")
    assert codec.search_text is not None
    assert codec.search_text(codec.parse("<p>Fish &amp; chips</p><p>two</p>")) == "Fish & chips two"


def test_pattern_with_nested_repetition_takes_no_time() -> None:
    codec = codec_of("text", pattern="(a+)+b", max_length=4000)
    with pytest.raises(InvalidValue) as refusal:
        codec.parse("a" * 4000)
    assert refusal.value.code == "pattern"


def test_pattern_message_is_told() -> None:
    codec = codec_of("text", pattern="[0-9]+", pattern_message={"en": "Digits only", "zh": "只能是数字"})
    with pytest.raises(InvalidValue, match="Digits only") as refusal:
        codec.parse("x")
    assert refusal.value.details["label"] == {"en": "Digits only", "zh": "只能是数字"}


def test_depth_of_json_is_judged_without_recursion_error() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    codec = codec_of("json")
    with pytest.raises(InvalidValue) as refusal:
        codec.parse(deep)
    assert refusal.value.code == "too_large"
    assert codec.from_text is not None
    with pytest.raises(InvalidValue):
        codec.from_text("[" * 60_000)
    while deep:  # taken apart step by step: freeing it at once would recurse
        deep = deep.pop()
