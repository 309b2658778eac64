"""Conditional forms and the formula editor in headless Chromium, in English and Chinese, under the real content policy."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.kernel import create, field, obj, publish, rows
from werkzeug.serving import make_server

from trellis.access import accounts
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis_admin import create_blueprint
from trellis_admin.assets import DIST
from trellis_admin.session import COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not DIST.is_dir(), reason="the front end is not built")]
CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "admin_ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def text(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


STAGES = [{"name": "open", "label": text("Open", "进行中")}, {"name": "lost", "label": text("Lost", "输单")}]
DEAL = obj(
    "deal",
    field("name", required=True, label=text("Name", "名称")),
    field("stage", "picklist", options=STAGES, default="open", label=text("Stage", "阶段")),
    field("amount", "integer", label=text("Amount", "金额")),
    field("reason", visible_when='stage = "lost"', required=True, label=text("Lost reason", "输单原因")),
    field("terms", read_only_when="amount > 100", label=text("Terms", "条款")),
    field("half", "integer", default={"formula": "amount / 2"}, label=text("Half", "一半")),
    label=text("Deal", "商机"),
    sharing={"default": "edit"},
)
TABLE = {
    "kind": "decision_table",
    "name": "discount",
    "label": text("Discount", "折扣"),
    "keys": [{"name": "amount", "type": "number", "match": "range"}],
    "values": [{"name": "rate", "type": "number"}],
    "rows": [{"name": "large", "when": {"amount": {"from": "1000"}}, "then": {"rate": "0.1"}}],
}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    runtime = Runtime(tmp_path_factory.mktemp("home"))
    tenant = runtime.create_tenant("acme")
    publish(tenant, DEAL, TABLE)
    accounts.create_user(tenant, login="ada", name="Ada", password="correct horse", admin=True)
    yield tenant
    runtime.close()


@pytest.fixture(scope="module")
def visit(tenant: Tenant) -> Iterator[Callable[..., Any]]:
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    app = Flask("ui", static_folder=None)
    app.config.update(SECRET_KEY="only for tests", TESTING=True)
    app.register_blueprint(create_blueprint(_RuntimeOf(tenant)))
    http = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    server, errors = f"http://127.0.0.1:{http.server_port}", []
    key = accounts.log_in(tenant, "ada", "correct horse").key
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )

        def open_page(path: str, *, language: str = "en", width: int = 1440, scripts: bool = True) -> Any:
            context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
            cookies = {"lang": language, "theme": "light", COOKIE: key}
            context.add_cookies([{"name": n, "value": v, "url": server} for n, v in cookies.items()])
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
            page.goto(server + path)
            if scripts:
                page.wait_for_selector("html[data-ready]")
            return page

        yield open_page
        browser.close()
    http.shutdown()
    assert errors == []


class _RuntimeOf:
    """A runtime that knows one open tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def names(self) -> list[str]:
        return ["acme"]

    def tenant(self, name: str) -> Tenant:
        return self._tenant


def violations(page: Any) -> list[str]:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html))",
        RULES,
    )
    return found


@pytest.mark.parametrize(("language", "label"), [("en", "Lost reason"), ("zh", "输单原因")])
def test_form_follows_what_is_chosen_and_typed(visit: Any, tenant: Tenant, language: str, label: str) -> None:
    page = visit("/o/deal/new", language=language)
    page.fill("#f-name", f"by script {language}")
    assert page.locator("#f-reason").count() == 0
    page.fill("#f-amount", "500")
    page.wait_for_selector("output#f-terms")
    page.wait_for_function("document.querySelector('#f-half').value === '250'")
    stage = page.locator("#f-stage-field")
    stage.locator("select").first.evaluate(
        "s => { s.value = 'lost'; s.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    page.wait_for_selector("#f-reason")
    assert label in page.locator("#f-reason-field").inner_text()
    assert page.locator("#f-reason-field .t-field__req").count() == 1
    assert page.input_value("#f-name") == f"by script {language}"
    page.fill("#f-reason", "price")
    page.click(".t-formbar .t-btn--primary")
    page.wait_for_url(re.compile(r"/o/deal/deal_"))
    made = rows(tenant, "deal")[-1]
    assert (made["amount"], made["half"], made["reason"]) == (500, 250, "price")


def test_form_without_scripts_is_enforced_by_the_save(visit: Any, tenant: Tenant) -> None:
    page = visit("/o/deal/new", scripts=False)
    page.fill("#f-name", "no script")
    page.select_option("#f-stage", "lost")
    page.click(".t-formbar .t-btn--primary")
    assert "required" in page.locator("#f-reason-field").inner_text()
    page.fill("#f-reason", "price")
    page.click(".t-formbar .t-btn--primary")
    assert rows(tenant, "deal")[-1]["reason"] == "price"


@pytest.mark.parametrize(("language", "gives"), [("en", "Gives true or false."), ("zh", "结果为真或假。")])
def test_editor_completes_by_keyboard_and_judges_what_is_typed(
    visit: Any, tenant: Tenant, language: str, gives: str
) -> None:
    create(tenant, "deal", {"name": "Sample", "amount": 50})
    page = visit("/setup/objects/deal/rules/new", language=language)
    page.click("#r-when")
    page.keyboard.type("amo")
    page.wait_for_selector(".t-combo__option")
    page.keyboard.press("Enter")
    assert page.input_value("#r-when") == "amount"
    page.keyboard.type(" > amont")
    page.wait_for_selector("#r-when-result:has-text(\"'amont'\") [data-goto]")
    page.keyboard.press("Escape")
    page.click("#r-when-result [data-goto]")
    assert page.evaluate("[document.activeElement.id, getSelection().toString()]")[0] == "r-when"
    marked = page.eval_on_selector("#r-when", "a => a.value.slice(a.selectionStart, a.selectionEnd)")
    assert marked == "amont"
    page.keyboard.type("10")
    page.wait_for_function("t => document.querySelector('#r-when-result').innerText.includes(t)", arg=gives)
    page.click("#sample + .t-combo input")
    page.keyboard.type("Sample")
    page.wait_for_selector(".t-combo__option:has-text('Sample')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#r-when-result details")
    page.click("#r-when-result summary")
    assert "50" in page.locator("#r-when-result details").inner_text()
    assert violations(page) == []


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("zh", 390)])
@pytest.mark.parametrize(
    "path",
    [
        "/o/deal/new",
        "/setup/objects/deal",
        "/setup/objects/deal/fields/reason",
        "/setup/decision-tables",
        "/setup/decision-tables/new",
        "/setup/decision-tables/discount",
    ],
)
def test_page_is_accessible_and_fits(visit: Any, path: str, language: str, width: int) -> None:
    page = visit(path, language=language, width=width)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_row_is_added_to_a_table_and_published(visit: Any, tenant: Tenant) -> None:
    page = visit("/setup/decision-tables/discount")
    page.click("button[value=add]")
    page.wait_for_selector("tbody tr:nth-child(2)")
    page.fill("tbody tr:nth-child(2) input[name='c.rate']", "0")
    page.click(".t-btn--primary[value=review]")
    page.click("button:has-text('Publish')")
    page.wait_for_url(re.compile("decision-tables/discount$"))
    found = tenant.model().snapshot.get("decision_table", "discount")
    assert found is not None and [r["name"] for r in found["rows"]] == ["large", "row_2"]
