"""Exchange rates are set at the command line, and amounts in other currencies need one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.cli import root
from trellis.runtime import Runtime
from trellis.transaction import RecordsInvalid

DEAL = {"kind": "object", "name": "deal", "label": "Deal", "fields": [{"name": "amount", "type": "currency"}]}


def run(home: Path, *args: str) -> tuple[int, str]:
    result = CliRunner().invoke(root, ["--home", str(home), *args])
    return result.exit_code, result.output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    runtime = Runtime(tmp_path)
    tenant = runtime.create_tenant("acme", settings={"currency": "CNY"})
    tenant.publisher.apply(tenant.publisher.plan_documents([DEAL]))
    runtime.close()
    return tmp_path


def create(home: Path, amount: str, currency: str) -> str:
    runtime = Runtime(home)
    try:
        row = {"amount": {"amount": amount, "currency": currency}}
        made = runtime.tenant("acme").run(SYSTEM, Cause("test"), lambda tx: tx.create("deal", [row])[0])
        return str(made.values["amount"].corporate)
    finally:
        runtime.close()


def test_amount_without_rate_is_refused_and_says_what_to_do(home: Path) -> None:
    with pytest.raises(RecordsInvalid, match="trellis currency set EUR RATE"):
        create(home, "10", "EUR")


def test_rate_that_was_set_turns_amounts_into_the_organisations_currency(home: Path) -> None:
    assert run(home, "currency", "set", "eur", "7.855")[0] == 0
    assert create(home, "10.01", "EUR") == "78.63"  # 78.62855, half up
    code, text = run(home, "currency", "list")
    assert code == 0 and "EUR" in text and "7.855" in text


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("XXQ", "1"), "not an ISO 4217"),
        (("CNY", "1"), "own currency"),
        (("EUR", "nan"), "not a rate"),
        (("EUR", "-1"), "not a rate"),
        (("EUR", "0"), "not a rate"),
        (("EUR", "abc"), "not a rate"),
    ],
)
def test_bad_rate_is_refused(home: Path, args: tuple[str, str], words: str) -> None:
    code, text = run(home, "currency", "set", "--", *args)
    assert code == 2 and words in text
