"""The UI in headless Chromium under its real content policy: keyboard, palette, editing in place, undo, accessibility."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sample
from application import session_key

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.record_id import format_id
from trellis_admin.assets import DIST
from trellis_admin.session import COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not DIST.is_dir(), reason="the front end is not built")]
AXE = Path(__file__).parents[2] / "admin_ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PAGES = ["/", "/_ui", "/o/deal", "/o/deal?f=stage:%3D:won", "/o/deal?q=nothing-has-this", "/o/deal/new", "/o/account/import",
         "/setup/objects", "/setup/objects/deal", "/setup/objects/deal/fields/new", "/setup/objects/new", "/o/nonsense",
         "/bin", "/me", "/notifications"]  # fmt: skip


@pytest.fixture
def open_page(browser, server, runtime):
    """Return a function that opens a page of the UI as somebody; scripts' errors fail the test."""
    contexts, errors = [], []

    def visit(path: str, *, login: str | None = "ada", size=WIDE, theme="light", language="en", bypass_csp=False):
        context = browser.new_context(viewport=size, bypass_csp=bypass_csp)
        contexts.append(context)
        cookies = {"theme": theme, "lang": language, **({COOKIE: session_key(runtime, login)} if login else {})}
        context.add_cookies([{"name": n, "value": v, "url": server} for n, v in cookies.items()])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(server + path)
        page.wait_for_selector("html[data-ready]")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert errors == []


def _violations(page) -> list[str]:
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html))",
        RULES,
    )
    return found


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_accessibility_violation_and_fits_the_screen(open_page, path, size, theme):
    page = open_page(path, size=size, theme=theme, bypass_csp=True)
    assert _violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_log_in_and_record_have_no_accessibility_violation(open_page, theme):
    assert _violations(open_page("/login", login=None, theme=theme, bypass_csp=True)) == []
    page = open_page("/o/deal", theme=theme, bypass_csp=True)
    page.click("tbody tr:nth-child(2) .t-grid__main a")
    page.wait_for_selector(".t-record__title")
    assert _violations(page) == []


def test_logging_in_with_the_keyboard(open_page):
    page = open_page("/login", login=None)
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(sample.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".t-side")
    assert page.title().startswith("Home")


def test_palette_goes_to_a_page_and_finds_records(open_page):
    page = open_page("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("accounts")
    page.keyboard.press("Enter")
    page.wait_for_url("**/o/account")
    page.keyboard.press("Control+k")
    page.keyboard.type("redwood dental")
    page.wait_for_selector("#palette [role=option]:has-text('Redwood Dental')")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/o/account/account_"))


def test_question_mark_lists_the_shortcuts_and_escape_closes_them(open_page):
    page = open_page("/o/deal")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")


def test_g_then_a_letter_goes_to_an_object(open_page):
    page = open_page("/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/o/account")


def test_a_cell_is_edited_with_the_keyboard_alone(open_page):
    page = open_page("/o/deal?sort=name")
    page.focus("tbody tr:nth-child(1) td:nth-child(2)")
    page.keyboard.press("ArrowDown")
    for _step in range(8):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.f") == "products" or page.evaluate(
        "document.activeElement.dataset.f"
    )
    page.keyboard.press("ArrowRight")
    page.keyboard.press("F2")
    page.wait_for_selector("td.t-editing input[name=next_step]")
    page.keyboard.press("Control+a")
    page.keyboard.type("Typed by keyboard")
    page.keyboard.press("Enter")
    page.wait_for_selector(".t-toast:has-text('Saved')")
    assert "Typed by keyboard" in page.inner_text("tbody tr:nth-child(2)")


def test_escape_leaves_a_cell_as_it_was(open_page):
    page = open_page("/o/deal?sort=name")
    before = page.inner_text("tbody tr:nth-child(3)")
    page.dblclick("tbody tr:nth-child(3) td[data-f=next_step]")
    page.wait_for_selector("td.t-editing input[name=next_step]")
    page.keyboard.type("never saved")
    page.keyboard.press("Escape")
    page.wait_for_selector("td.t-editing", state="detached")
    assert page.inner_text("tbody tr:nth-child(3)") == before


def test_a_filter_is_added_from_the_menu_and_taken_off(open_page):
    page = open_page("/o/deal")
    page.click(".t-chip--add")
    page.select_option("#filter-field", "stage")
    page.wait_for_selector("#filter-value select[name=value]")
    page.select_option("#filter-value [name=value]", "won")
    page.click("#add-filter button.t-btn--primary")
    page.wait_for_selector(".t-chip:has-text('Closed won')")
    assert "f=stage" in page.url
    page.click(".t-chip__off")
    page.wait_for_selector(".t-chip__off", state="detached")
    assert "f=stage" not in page.url


def test_search_keeps_the_focus_and_goes_into_the_address(open_page):
    page = open_page("/o/deal")
    page.keyboard.press("/")
    page.keyboard.type("Redwood")
    page.wait_for_url("**q=Redwood**")
    page.wait_for_function("document.querySelectorAll('tbody tr').length < 50")
    assert page.evaluate("document.activeElement.id") == "list-search"
    assert page.input_value("#list-search") == "Redwood"


def test_deleting_rows_can_be_undone(open_page):
    page = open_page("/o/contact?sort=email")
    total = page.inner_text(".t-foot b")
    page.click("tbody tr:nth-child(1) [data-pick]")
    page.click("tbody tr:nth-child(2) [data-pick]")
    assert page.inner_text("[data-count]") == "2"
    page.click("[data-bulk] button:has-text('Delete')")
    page.wait_for_selector("#drawer[open] .t-massfacts dd:has-text('2')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".t-toast:has-text('2 records deleted')")
    page.click(".t-toast button:has-text('Undo')")
    page.wait_for_selector(".t-toast:has-text('Undone')")
    assert page.inner_text(".t-foot b") == total


def test_a_record_is_created_in_the_drawer(open_page):
    page = open_page("/o/deal")
    page.keyboard.press("c")
    page.wait_for_selector("#drawer[open] input[name=name]")
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector("#drawer .t-field__error")
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.type("From the drawer")
    page.fill("#drawer .t-combo__input >> nth=0", "redw")
    page.wait_for_selector(".t-combo__option:has-text('Redwood Dental')")
    page.keyboard.press("Enter")
    page.fill("#drawer [name='amount.amount']", "1200.50")
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector("h1:has-text('From the drawer')")
    assert "CN¥1,200.50" in page.inner_text(".t-highlights")
    assert "Redwood Dental" in page.inner_text(".t-highlights")


NARROW_NAMES = """() => [...document.querySelectorAll(".t-detail--line dd")].filter(dd => dd.querySelector(".t-avatar"))
  .map(dd => [dd.querySelector(".t-avatar"), dd.querySelector(".t-trunc")].map(e => e.getBoundingClientRect()))
  .map(([disc, name]) => name.left >= disc.right && name.top < disc.bottom && disc.top < name.bottom)"""
LINES_OF_NAME = """() => { const name = document.querySelector(".t-detail--text dd > .t-trunc");
  return Math.round(name.clientHeight / parseFloat(getComputedStyle(name).lineHeight)); }"""
CRUMBS = """() => { const shown = s => [...document.querySelectorAll(s)].find(e => e.getClientRects().length);
  const box = s => shown(s).getBoundingClientRect();
  return [box(".t-crumbs a").right, box(".t-crumbs .t-icon").left, box(".t-crumbs .t-icon").right,
          box(".t-crumbs [aria-current]").left, box(".t-crumbs [aria-current]").right, box(".t-top .t-btn").left]; }"""


@pytest.fixture
def long_names(runtime) -> str:
    """The address of a deal whose name and account's name are longer than their places."""
    words = "Regional premium support and maintenance agreement of the northern provinces"

    def make(tx):
        account = format_id("account", tx.create("account", [{"name": f"{words}, holding company"}])[0].id)
        deal = {"name": words, "account": account, "amount": {"amount": "1", "currency": "CNY"}}
        return tx.create("deal", [deal])[0].id

    return f"/o/deal/{format_id('deal', runtime.tenant('corvid').run(SYSTEM, Cause('import'), make))}"


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_long_names_on_a_record_keep_to_their_lines(open_page, long_names, size):
    page = open_page(long_names, size=size)
    in_line = page.evaluate(NARROW_NAMES)
    assert in_line
    assert all(in_line)
    assert page.get_attribute(".t-detail--line dd a", "title").endswith("holding company")
    assert page.evaluate(LINES_OF_NAME) == 2


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_parts_of_the_top_bar_do_not_lie_over_each_other(open_page, long_names, size):
    edges = open_page(long_names, size=size).evaluate(CRUMBS)
    assert edges == sorted(edges)


def test_theme_changes_at_once_and_stays(open_page):
    page = open_page("/")
    page.click(".t-user")
    page.click("[data-set='theme:dark']")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_an_admin_adds_a_field_in_the_drawer(open_page):
    page = open_page("/setup/objects/contact")
    page.keyboard.press("c")
    page.wait_for_selector("#drawer[open] .t-tile")
    page.fill("#drawer input[type=search]", "check")
    page.click("#drawer .t-tile:visible")
    page.wait_for_selector("#drawer [name=label]")
    page.fill("#drawer [name=label]", "Newsletter sent")
    assert page.input_value("#drawer [name=name]") == "newsletter_sent"
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector("#drawer .t-plan")
    page.click("#drawer .t-btn--primary")
    page.wait_for_selector(".t-toast:has-text('Published')")
    assert "newsletter_sent" in page.inner_text("#fields")


def test_basic_paths_work_without_scripts(browser, server, runtime):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": COOKIE, "value": session_key(runtime, "ada"), "url": server}])
    page = context.new_page()
    page.goto(f"{server}/o/account")
    page.click("a.t-btn--primary")
    page.fill("[name=name]", "No scripts")
    page.click(".t-formbar .t-btn--primary")
    assert page.inner_text("h1") == "No scripts"
    context.close()
