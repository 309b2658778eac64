"""The matrix: what people do with requests and what becomes of them, as cases in data, on both databases."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from trellis.tenant import Tenant

from .worlds import Company, build, company_of, load

CASES = load("matrix")


def documents() -> list[dict[str, Any]]:
    """Every case has an approval of its own, so that all are published at once."""
    return [{"kind": "approval", "name": f"case_{i}", "object": "deal", **c["approval"]} for i, c in enumerate(CASES)]


def found(company: Company, expect: dict[str, Any]) -> dict[str, Any]:
    """Return what became of the case, as far as it says something about it."""
    out: dict[str, Any] = {}
    for key, wanted in expect.items():
        match key:
            case "told":
                out[key] = {who: company.told(who) for who in wanted}
            case "reads":
                out[key] = {who: company.reads(who) for who in wanted}
            case "steps":
                out[key] = company.open_steps()
            case _:
                out[key] = getattr(company, key)()
    return out


def test_every_case_ends_as_it_says(open_copy: Callable[..., Tenant]) -> None:
    company = company_of(open_copy("approval_cases", lambda tenant: build(tenant, documents())))
    wrong: dict[str, Any] = {}
    for index, case in enumerate(CASES):
        try:
            company.begin(f"case_{index}", **case.get("record", {}))
            for line in case["do"]:
                company.do(line)
            ended = found(company, case["expect"])
            if ended != case["expect"]:
                wrong[case["name"]] = ended
        except AssertionError as problem:
            wrong[case["name"]] = str(problem)
        except Exception:
            wrong[case["name"]] = traceback.format_exc().splitlines()[-6:]
        if any(" leave" in line or " away" in line for line in case["do"]):
            company.tidy()
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())


def test_the_matrix_is_large_enough() -> None:
    assert len(CASES) >= 60
    assert len({c["name"] for c in CASES}) == len(CASES)
