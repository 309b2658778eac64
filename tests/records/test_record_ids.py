"""External record ids: every number comes back, every mistyped id is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.record_id import MAX_ID, BadRecordId, format_id, parse_id

NUMBERS = st.integers(0, MAX_ID)
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@given(NUMBERS)
def test_number_comes_back(number: int) -> None:
    assert parse_id(format_id("deal", number), ["deal"]) == ("deal", number)


@given(NUMBERS, st.data())
def test_one_wrong_character_is_noticed(number: int, data: st.DataObject) -> None:
    text = format_id("deal", number)
    place = data.draw(st.integers(len("deal_"), len(text) - 1))
    other = data.draw(st.sampled_from([c for c in ALPHABET if c != text[place]]))
    wrong = text[:place] + other + text[place + 1 :]
    # Weights are taken modulo 31 and digits go to 31: 0 and 31 ("z") at the same place weigh the same.
    if {text[place], other} != {"0", "z"}:
        with pytest.raises(BadRecordId):
            parse_id(wrong, ["deal"])


@pytest.mark.parametrize(
    "text", ["", "deal", "deal_", "deal_1", "account_1k2", "deal_ILOU", "deal_" + "z" * 20, None, 7, "deal_1\x00"]
)
def test_text_that_is_no_id_of_the_object_is_refused(text: object) -> None:
    with pytest.raises(BadRecordId):
        parse_id(text, ["deal"])


def test_known_ids_stay_as_they_are() -> None:
    # Worked by hand: 1000 is 31*32 + 8, digits z and 8; 2*8 + 3*31 = 109, 109 mod 31 is 16 = "g".
    assert format_id("deal", 1000) == "deal_z8g"
    assert format_id("deal", 0) == "deal_00"
