"""Journeys through the workspace in a real browser: boards, many records, the timeline, the calendar; with mouse, keyboard and phone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import workbench
from application import make_app, session_key
from werkzeug.serving import make_server

from trellis.runtime import Runtime
from trellis_admin.assets import DIST
from trellis_admin.session import COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not DIST.is_dir(), reason="the front end is not built")]
AXE = Path(__file__).parents[2] / "admin_ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PAGES = [
    "/",
    "/o/ticket?as=board&lanes=level",
    "/o/ticket?by=stage",
    "/o/ticket?as=calendar&at=2026-11-10",
    "/o/ticket?as=calendar&span=agenda&at=2026-11-01",
    "/o/ticket?as=gallery",
    "/o/ticket?as=tree",
    "record",
    "record/access",
]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("workspace"))
    workbench.make(runtime)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def address(runtime):
    http = make_server("127.0.0.1", 0, make_app(runtime), threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()


@pytest.fixture(scope="module")
def keys(runtime):
    return {login: session_key(runtime, login) for login in ("ada", "rep")}


@pytest.fixture
def open_page(browser, address, keys):
    contexts, errors = [], []

    def visit(path: str, *, login="rep", size=WIDE, theme="light", language="en", bypass_csp=False):
        context = browser.new_context(viewport=size, bypass_csp=bypass_csp)
        contexts.append(context)
        cookies = {"theme": theme, "lang": language, COOKIE: keys[login]}
        context.add_cookies([{"name": n, "value": v, "url": address} for n, v in cookies.items()])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(address + path)
        page.wait_for_selector("html[data-ready]")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert errors == []


def _column(page, name: str) -> list[str]:
    return page.locator(f".t-board__cell[data-column={name}] .t-board__card").evaluate_all(
        "cards => cards.map(card => card.dataset.name)"
    )


def _count(page, column: str) -> int:
    return int(page.inner_text(f"#head-{column} .t-count"))


def test_a_card_is_dragged_and_the_move_undone(open_page):
    page = open_page("/o/ticket?as=board")
    card, before = _column(page, "new")[0], _count(page, "new")
    box = page.locator(f".t-board__card[data-name='{card}']").bounding_box()
    target = page.locator(".t-board__cell[data-column=doing]").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 30)
    page.mouse.move(target["x"] + 60, target["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_selector(".t-toast:has-text('Moved to')")
    assert card in _column(page, "doing") and _count(page, "new") == before - 1
    page.click(".t-toast__undo")
    page.wait_for_function("n => document.querySelector('#head-new .t-count').textContent === String(n)", arg=before)
    assert card in _column(page, "new")


def test_a_card_is_moved_by_keyboard_and_put_back_when_refused(open_page):
    page = open_page("/o/ticket?as=board")
    card = _column(page, "new")[1]
    page.focus(f".t-board__card[data-name='{card}'] a")
    for key in ("Space", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert page.inner_text("[data-board-say]") == "Over Never"
    page.keyboard.press("Space")
    page.wait_for_selector(".t-toast--error:has-text('Nobody gets here.')")
    assert card in _column(page, "new")
    assert page.evaluate("document.activeElement.closest('.t-board__card').dataset.name") == card


def test_a_stage_that_asks_for_a_field_gets_it_on_the_phone(open_page):
    page = open_page("/o/ticket?as=board", size=PHONE)
    card = _column(page, "new")[2]
    page.click(f".t-board__card[data-name='{card}'] [data-move]")
    page.click("#board-move button:has-text('Done')")
    page.wait_for_selector("#drawer[open] input[name=result]")
    page.fill("#drawer input[name=result]", "Mended")
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector(".t-toast:has-text('Moved to')")
    assert card in _column(page, "done")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_many_records_are_changed_after_a_preview_and_changed_back(open_page):
    page = open_page("/o/ticket?sort=name", login="ada")
    for row in (1, 2, 3):
        page.click(f"tbody tr:nth-child({row}) [data-pick]")
    page.click("[data-bulk] button:has-text('Edit')")
    page.wait_for_selector("#drawer[open] h2:has-text('3 records')")
    page.select_option("#mass-field", "result")
    page.wait_for_selector("#mass-value input[name=result]")
    page.fill("#mass-value input[name=result]", "Checked")
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector(".t-massfacts dd:has-text('3')")
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector(".t-toast:has-text('3 records changed')")
    page.click(".t-toast button:has-text('Undo')")
    page.wait_for_selector(".t-toast:has-text('Undone')")


def test_a_note_names_somebody_by_keyboard_and_stands_in_the_timeline(open_page):
    page = open_page("/o/ticket?sort=name")
    page.click("tbody tr:nth-child(5) .t-grid__main a")
    page.wait_for_selector("#log-text")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.id") == "log-text"
    page.keyboard.type("Ask @ad")
    page.wait_for_selector(".t-mentions button")
    page.keyboard.press("Enter")
    assert page.input_value("#log-text") == "Ask @Ada Park "
    page.keyboard.type("about it")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".t-timeline__card:has-text('Ask @Ada Park about it')")
    page.click("[data-next]")
    page.wait_for_selector("h1:has-text('Ticket')")
    assert page.locator("[data-previous][href]").count() == 1


def test_a_record_moves_to_the_next_day_by_keyboard(open_page):
    page = open_page("/o/ticket?as=calendar&at=2026-11-10")
    item = page.locator("[data-day='2026-11-10'] .t-calendar__item").first
    record = item.get_attribute("data-id")
    item.locator("a").focus()
    page.keyboard.press("Alt+ArrowRight")
    page.wait_for_selector(f"[data-day='2026-11-11'] [data-id='{record}']")
    page.click(".t-toast__undo")
    page.wait_for_selector(f"[data-day='2026-11-10'] [data-id='{record}']")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
@pytest.mark.parametrize(("theme", "size", "language"), [("light", WIDE, "en"), ("dark", PHONE, "zh")])
def test_pages_are_accessible_and_fit(open_page, theme, size, language):
    page = open_page("/o/ticket?sort=name", theme=theme, size=size, language=language, bypass_csp=True)
    first = page.get_attribute("tbody tr .t-grid__main a", "href")
    origin, found = page.evaluate("location.origin"), []
    for path in PAGES:
        page.goto(origin + path.replace("record", first) if path.startswith("record") else origin + path)
        page.wait_for_selector("html[data-ready]")
        page.add_script_tag(path=str(AXE))
        found += page.evaluate(
            "rules => axe.run(document, {runOnly: rules}).then(r => r.violations.map(v => location.pathname + location.search"
            " + ' ' + v.id + ' ' + v.nodes[0].html.slice(0, 160)))",
            RULES,
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
    assert found == []
