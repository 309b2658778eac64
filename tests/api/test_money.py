"""Money is exact at every door. The expected digits are worked by hand."""

from __future__ import annotations

import json

from support.app import World

AMOUNTS = [
    "0.10",
    "0.20",
    "9999999999999999.99",
    "-9999999999999999.99",
    "3333333333333333.33",
    "0.01",
    "1234567890123456.78",
]


def test_money_is_byte_equal_in_answers_sums_sorts_and_filters(world: World) -> None:
    for text in AMOUNTS:
        made = world.ada.create("account", name=text, amount=text)
        assert made["amount"] == {"amount": text, "currency": "USD"}
        assert f'"amount":"{text}"'.encode() in world.ada.get(f"/records/account/{made['id']}").get_data()
        only = json.dumps({"field": "amount", "op": "=", "value": text})
        assert [r["name"] for r in world.ada.get(f"/records/account?filter={only}").get_json()["records"]] == [text]
    listed = world.ada.get("/records/account?sort=amount&fields=name").get_json()["records"]
    assert [r["name"] for r in listed] == [
        "-9999999999999999.99",
        "0.01",
        "0.10",
        "0.20",
        "1234567890123456.78",
        "3333333333333333.33",
        "9999999999999999.99",
    ]
    sums = world.ada.post(
        "/records/account/query",
        {"aggregates": [{"function": f, "field": "amount"} for f in ("sum", "min", "max", "avg")]},
    ).get_json()
    # 0.10 + 0.20 + 0.01 + 3333333333333333.33 + 1234567890123456.78; the two extremes cancel.
    assert sums["records"][0]["sum(amount)"] == "4567901223456790.42"
    assert sums["records"][0]["max(amount)"] == "9999999999999999.99"
    assert sums["records"][0]["min(amount)"] == "-9999999999999999.99"
    # 4567901223456790.42 / 7 = 652557317636684.3457142857142857142857142857…, to 39 digits, half up.
    assert sums["records"][0]["avg(amount)"].startswith("652557317636684.345714285714285714285714")
    exported = world.ada.get("/records/account/export?fields=amount").get_data(as_text=True)
    assert all(f'"amount":"{text}"' in exported for text in AMOUNTS)


def test_sum_of_tenth_and_fifth_is_three_tenths(world: World) -> None:
    for text in ("0.1", "0.2"):
        world.ada.create("account", name="x", amount=text)
    query = {"aggregates": [{"function": "sum", "field": "amount"}]}
    assert world.ada.post("/records/account/query", query).get_json()["records"] == [{"sum(amount)": "0.30"}]


def test_json_numbers_are_read_exactly_or_refused(world: World) -> None:
    def send(number: str) -> object:
        response = world.ada.call(
            "POST", "/records/account", data=f'{{"name":"x","amount":{number}}}', content_type="application/json"
        )
        body = response.get_json()
        return body["amount"]["amount"] if response.status_code == 201 else body["error"]["fields"]["amount"][0]["code"]

    assert send("9999999999999999.99") == "9999999999999999.99"
    assert send("1234567890123456.78") == "1234567890123456.78"
    assert send("0.1") == "0.10"
    assert send("0.30000000000000004") == "too_many_decimals"
    assert send("0.3333333333333333") == "too_many_decimals"
    assert send("1e400") in ("bad_format", "out_of_range")
    assert send("1e16") == "out_of_range"
    line = b'{"name":"x","amount":1234567890123456.78}'
    made = world.ada.post("/records/account/bulk", data=line, content_type="application/x-ndjson").get_data()
    assert (
        world.ada.get(f"/records/account/{json.loads(made)['id']}").get_json()["amount"]["amount"]
        == "1234567890123456.78"
    )


def test_huge_sums_do_not_overflow(world: World) -> None:
    lines = b"\n".join(b'{"name":"x","amount":"9999999999999999.99"}' for _ in range(30))
    world.ada.post("/records/account/bulk", data=lines, content_type="application/x-ndjson")
    query = {"aggregates": [{"function": "sum", "field": "amount"}]}
    # 30 × 9999999999999999.99
    assert world.ada.post("/records/account/query", query).get_json()["records"] == [
        {"sum(amount)": "299999999999999999.70"}
    ]
