"""Laws that hold for every field type, run through the samples."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
from fields.environment import Tenant
from fields.samples import OBJECTS, SAMPLES, codec_of, doc_of, probe_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trellis.fields
from trellis.fields import Codec, InvalidValue, field_types

TYPES = sorted(SAMPLES)
ELSEWHERE = {"formula", "rollup"}
"""Types whose values are computed from other records and fields: `tests/query` and `tests/ripples` have theirs."""
CATEGORIES = {"text", "number", "boolean", "date", "datetime", "time", "choice", "choices", "reference", "opaque"}
CODES = {
    word.strip("`")
    for line in (InvalidValue.__doc__ or "").splitlines()
    for word in line.split()[:1]
    if word.startswith("``") and word.endswith("``")
}
every_type = pytest.mark.parametrize("name", TYPES)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
comparable = [name for name in TYPES if field_types()[name].category != "opaque"]

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["amount", "currency", "city", "country", "first", "last", "latitude", "longitude", "x"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def to_json(codec: Codec, value: Any) -> Any:
    return codec.to_json(value) if codec.to_json and value is not None else value


def to_text(codec: Codec, value: Any) -> str:
    return codec.to_text(value) if codec.to_text else value


def key(codec: Codec, value: Any) -> Any:
    return codec.compare(value) if codec.compare else value


def columns(codec: Codec, value: Any) -> tuple[Any, ...]:
    if value is None:
        return (None,) * len(codec.columns)
    return codec.to_columns(value) if codec.to_columns else (value,)


def stored_values(name: str) -> list[Any]:
    codec = codec_of(name)
    return [codec.parse(given) for given, _ in SAMPLES[name].values]


class Stored:
    """A table with the columns of one field, filled with values; null is row 0."""

    def __init__(self, url: str, codec: Codec, values: list[Any]) -> None:
        self.codec = codec
        self.engine = sa.create_engine(url)
        names = [f"f__{c.suffix}" if c.suffix else "f" for c in codec.columns]
        self.table = sa.Table(
            "t",
            sa.MetaData(),
            sa.Column("id", sa.Integer, primary_key=True),
            *map(sa.Column, names, [c.type for c in codec.columns]),
        )
        self.table.create(self.engine)
        self.main = self.table.c[names[0]]
        rows = [dict(zip(names, columns(codec, v), strict=True), id=i) for i, v in enumerate([None, *values])]
        with self.engine.begin() as connection:
            connection.execute(self.table.insert(), rows)

    def select(self, *what: Any, where: Any = None, order: Any = None) -> list[Any]:
        query = sa.select(*what)
        query = query if where is None else query.where(where)
        with self.engine.connect() as connection:
            return list(connection.execute(query if order is None else query.order_by(order)))

    def values(self) -> list[Any]:
        """Return the values in order of the rows, as they come back."""
        found = [tuple(row) for row in self.select(*list(self.table.c)[1:], order=self.table.c.id)]
        return [self.codec.from_columns(row) if self.codec.from_columns else row[0] for row in found]

    def close(self) -> None:
        self.engine.dispose()


def test_every_type_file_has_one_entry_of_samples() -> None:
    folder = Path(trellis.fields.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert files == set(field_types()) == set(SAMPLES) | ELSEWHERE


@every_type
def test_type_names_what_people_see(name: str) -> None:
    kind = field_types()[name]
    assert set(kind.label) == {"en", "zh"} and all(kind.label.values())
    assert kind.icon and kind.widget and kind.__doc__
    assert kind.category in CATEGORIES and kind.category == codec_of(name).category
    assert kind.conversions(doc_of(name)) <= set(field_types()) - {name}


@every_type
def test_options_are_described_json_schema(name: str) -> None:
    kind = field_types()[name]
    schema = {"type": "object", "properties": kind.options, "required": list(kind.required_options)}
    jsonschema.Draft202012Validator.check_schema(schema)
    for option, part in kind.options.items():
        assert part["description"].endswith(".") and part["examples"], option
        for example in part["examples"]:
            jsonschema.Draft202012Validator(part).validate(example)
    jsonschema.Draft202012Validator(schema).validate(SAMPLES[name].doc)
    assert [d.message for d in kind.check(doc_of(name), "", OBJECTS)] == []


@every_type
def test_every_option_has_a_case(name: str) -> None:
    sample = SAMPLES[name]
    assert {case.option for case in sample.options} | set(sample.elsewhere) == set(field_types()[name].options)


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(n, c, id=f"{n}-{c.option}-{i}") for n in TYPES for i, c in enumerate(SAMPLES[n].options)],
)
def test_option_has_its_effect(name: str, case: Any) -> None:
    plain, changed = probe_of(name), probe_of(name, **case.doc)
    assert case.probe(changed) == case.expected
    assert case.option in case.doc and case.probe(plain) != case.expected


@every_type
def test_value_is_read_as_expected(name: str) -> None:
    codec = codec_of(name)
    for given_value, expected in SAMPLES[name].values:
        assert to_json(codec, codec.parse(given_value)) == expected


@every_type
def test_schema_accepts_what_is_read_and_written(name: str) -> None:
    codec = codec_of(name)
    jsonschema.Draft202012Validator.check_schema(codec.json_schema)
    validator = jsonschema.Draft202012Validator(codec.json_schema)
    for given_value, expected in SAMPLES[name].values:
        validator.validate(given_value)
        validator.validate(expected)
    for blank in SAMPLES[name].blank:
        if blank == "" or not isinstance(blank, str):  # white space alone is read too, but an enumeration cannot say so
            validator.validate(blank)


@every_type
def test_wrong_json_type_is_refused_by_schema_too(name: str) -> None:
    validator = jsonschema.Draft202012Validator(codec_of(name).json_schema)
    wrong = [payload for payload, code in SAMPLES[name].bad if code == "wrong_type" and not isinstance(payload, float)]
    for payload in wrong:
        if payload != {"set": True}:  # a secret is read in this form, but not written
            assert not validator.is_valid(payload) or is_nested(payload), payload


def is_nested(payload: Any) -> bool:
    """True for free JSON, whose schema says nothing about what is inside."""
    return payload in ({1: 1},) or (isinstance(payload, list) and len(payload) == 1 and type(payload[0]) is object)


@every_type
def test_bad_payload_is_refused_with_its_code(name: str) -> None:
    codec = codec_of(name)
    assert len(SAMPLES[name].bad) >= 8
    for payload, code in SAMPLES[name].bad:
        begun = time.perf_counter()
        with pytest.raises(InvalidValue) as refusal:
            codec.parse(payload)
        assert refusal.value.code == code, (show(payload), refusal.value.message)
        assert code in CODES
        assert time.perf_counter() - begun < 0.5, show(payload)
        assert refusal.value.message.count("Found ") == 1 and "xpected" in refusal.value.message
        assert len(refusal.value.message) < 700
        refusal.value.message.encode()
        json.dumps(refusal.value.details)


def show(payload: Any) -> str:
    return payload[:30] if isinstance(payload, str) else type(payload).__name__


@every_type
def test_blank_is_null(name: str) -> None:
    codec = codec_of(name)
    assert [codec.parse(blank) for blank in SAMPLES[name].blank] == [None] * len(SAMPLES[name].blank)
    assert codec.from_text is not None and codec.from_text("") is None and codec.from_text(" \n") is None


@every_type
def test_text_of_files_is_read(name: str) -> None:
    codec = codec_of(name)
    assert codec.from_text is not None
    for text, expected in SAMPLES[name].texts:
        assert to_json(codec, codec.from_text(text)) == expected


@every_type
def test_text_form_gives_the_value_back(name: str) -> None:
    codec = codec_of(name)
    assert codec.from_text is not None
    for value in stored_values(name):
        text = to_text(codec, value)
        assert isinstance(text, str)
        assert codec.from_text(text) == (None if name == "secret" else value)


@every_type
def test_value_comes_back_from_the_database(name: str, database_url: str) -> None:
    codec, values = codec_of(name), stored_values(name)
    stored = Stored(database_url, codec, values)
    back = stored.values()
    stored.close()
    assert back == [None, *values]
    assert [to_json(codec, v) for v in back] == [None, *(expected for _, expected in SAMPLES[name].values)]


@every_type
def test_main_column_is_null_exactly_for_null(name: str, database_url: str) -> None:
    stored = Stored(database_url, codec_of(name), stored_values(name))
    found = stored.select(stored.table.c.id, where=stored.main.is_(None))
    stored.close()
    assert found == [(0,)]


@pytest.mark.parametrize("name", comparable)
def test_python_orders_as_the_database_does(name: str, database_url: str) -> None:
    codec, values = codec_of(name), stored_values(name)
    stored = Stored(database_url, codec, values)
    in_sql = [
        values[i - 1] for (i,) in stored.select(stored.table.c.id, where=stored.main.isnot(None), order=stored.main)
    ]
    stored.close()
    in_python = [key(codec, v) for v in sorted(values, key=lambda v: key(codec, v))]
    assert [key(codec, v) for v in in_sql] == in_python
    assert len(set(in_python)) > 1 or len(values) == 1


@pytest.mark.parametrize("name", comparable)
def test_python_finds_equal_what_the_database_does(name: str, database_url: str) -> None:
    codec, values = codec_of(name), stored_values(name)
    stored = Stored(database_url, codec, values)
    for value in values:
        in_sql = {i for (i,) in stored.select(stored.table.c.id, where=stored.main == columns(codec, value)[0])}
        assert in_sql == {i for i, other in enumerate(values, 1) if key(codec, other) == key(codec, value)}
    stored.close()


@pytest.mark.parametrize("name", ["multi_picklist", "tags"])
def test_membership_is_a_pattern_in_sql(name: str, database_url: str) -> None:
    codec, values = codec_of(name), stored_values(name)
    stored = Stored(database_url, codec, values)
    for item in {item for value in values for item in value}:
        pattern = "%;" + item.replace("%", r"\%").replace("_", r"\_") + ";%"
        in_sql = {i for (i,) in stored.select(stored.table.c.id, where=stored.main.like(pattern, escape="\\"))}
        assert in_sql == {i for i, value in enumerate(values, 1) if item in value}
    stored.close()


@pytest.mark.parametrize("name", TYPES)
def test_reading_what_was_written_changes_nothing(name: str) -> None:
    codec = codec_of(name)
    if name == "secret":
        return

    @quick
    @given(SAMPLES[name].strategy)
    def law(payload: Any) -> None:
        value = codec.parse(payload)
        if value is None:
            return
        assert codec.parse(to_json(codec, value)) == value
        assert name == "duration" or codec.parse(value) == value  # whole numbers are not durations in JSON
        assert codec.from_text is not None and codec.from_text(to_text(codec, value)) == value
        row = columns(codec, value)
        assert (codec.from_columns(row) if codec.from_columns else row[0]) == value
        json.dumps(to_json(codec, value))
        if codec.search_text:
            assert isinstance(codec.search_text(value), str)

    law()


@every_type
def test_whatever_is_written_is_read_or_refused(name: str) -> None:
    codec = codec_of(name)

    @quick
    @given(junk)
    def law(payload: Any) -> None:
        if payload is None:
            return
        try:
            value = codec.parse(payload)
        except InvalidValue as refusal:
            assert refusal.code in CODES
            return
        json.dumps(to_json(codec, value), allow_nan=False)

    @quick
    @given(st.text(max_size=40))
    def text_law(text: str) -> None:
        assert codec.from_text is not None
        try:
            codec.from_text(text)
        except InvalidValue as refusal:
            assert refusal.code in CODES

    law()
    text_law()


@every_type
def test_bad_default_is_found_and_good_one_is_not(name: str) -> None:
    kind, sample = field_types()[name], SAMPLES[name]
    if name == "secret":
        assert [d.code for d in kind.check_default(doc_of(name, default="x"), "/d", None)] == ["default_not_allowed"]
        return
    expected = [] if kind.computed else [("bad_default", "/d")]
    found = kind.check_default(doc_of(name, default=sample.bad[0][0]), "/d", Tenant())
    assert [(d.code, d.pointer) for d in found] == expected
    for known in (Tenant(), OBJECTS, None):
        assert list(kind.check_default(doc_of(name, default=sample.values[0][0]), "/d", known)) == []
        assert list(kind.check_default(doc_of(name, default={"formula": "TODAY()"}), "/d", known)) == []


@pytest.mark.parametrize("known", [Tenant(), OBJECTS, None], ids=["tenant", "snapshot", "nothing"])
def test_default_is_judged_without_a_tenant_where_none_is_needed(known: Any) -> None:
    for name in ("text", "integer", "number", "percent", "boolean", "date", "datetime", "duration", "picklist", "tags"):
        found = field_types()[name].check_default(doc_of(name, default={"no": "value"}), "/d", known)
        assert [d.code for d in found] == ["bad_default"]


def test_default_of_a_field_with_broken_options_is_left_to_the_check_of_the_options() -> None:
    doc = doc_of("text", pattern="(?=a)", default="x")
    assert list(field_types()["text"].check_default(doc, "/d", None)) == []
