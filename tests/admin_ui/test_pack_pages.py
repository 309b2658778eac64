"""The gallery of packs in the browser: a partner's pack is installed and used, an upgrade's conflicts are settled."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from application import make_app
from packs.samples import base_pack, label, school_pack
from werkzeug.serving import make_server

from trellis.access import accounts
from trellis.jobs import Worker
from trellis.packs import apply, archive, plan_install
from trellis.packs.shelf import Shelf, sign_archive
from trellis.packs.signing import TrustList, new_key
from trellis.packs.source import PackSource, read_pack
from trellis.packs.template import new_pack
from trellis.runtime import Runtime
from trellis.tenant import Tenant
from trellis_admin.assets import DIST
from trellis_admin.session import COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not DIST.is_dir(), reason="the front end is not built")]
AXE = Path(__file__).parents[2] / "admin_ui" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PASSWORD = "correct horse battery"


TAG = """{"name": "tag", "type": "text", "label": {"en": "Tag", "zh": "标牌"}}"""
PICTURE = """{"file": "dot.png", "label": {"en": "A dot", "zh": "一个点"}}"""
SCRIPT = """{
  "kind": "script", "name": "pet_tag", "label": {"en": "Give a tag", "zh": "生成标牌"},
  "pack": "pets", "object": "pet_item", "events": ["before_create", "before_update"]
}"""
HOOK = """record.tag = "PET-" + record.name.upper()[:3]
"""


def partners_pack(folder: Path) -> PackSource:
    """Write what a partner writes: the template, and under twenty lines of JSON and one hook of his own."""
    assert len("\n".join((TAG, PICTURE, SCRIPT)).splitlines()) < 20
    new_pack(folder, "pets", "pet")
    for file, key, part in (("objects/pet_item.json", "fields", TAG), ("pack.json", "screenshots", PICTURE)):
        document = json.loads((folder / file).read_text(encoding="utf-8"))
        document.setdefault(key, []).append(json.loads(part))
        (folder / file).write_text(json.dumps(document), encoding="utf-8")
    (folder / "scripts" / "pet_tag.json").write_text(SCRIPT, encoding="utf-8")
    (folder / "scripts" / "pet_tag.py").write_text(HOOK, encoding="utf-8")
    (folder / "screenshots").mkdir()
    (folder / "screenshots" / "dot.png").write_bytes(base64.b64decode(DOT))
    return read_pack(folder)


@dataclass
class Site:
    """A tenant behind a server, with packs on the shelf."""

    tenant: Tenant
    url: str
    cookies: dict[str, str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    runtime = Runtime(folder / "home")
    tenant = runtime.create_tenant("corvid")
    for login, admin in (("ada", True), ("rep", False)):
        accounts.create_user(tenant, login=login, name=login.capitalize(), password=PASSWORD, admin=admin)
    shelf = Shelf.of(tenant)
    TrustList().with_key("Acme Ltd", new_key(folder / "key.pem")).write(shelf.trust_file)
    for source in (base_pack(folder), school_pack(folder)):
        plan = plan_install(tenant, source)
        apply(tenant, plan, confirm=plan.hash)
    student = dict(tenant.model().snapshot.get("object", "student") or {})
    student["fields"] = [{**f, "min": 2} if f["name"] == "grade" else f for f in student["fields"]]
    student["label"] = label("Pupil", "学员")
    change = tenant.publisher.plan_documents([student])
    tenant.publisher.apply(change)

    def newer(documents, pack):
        documents["student"]["fields"][2].update(min=3)
        documents["student"]["fields"][1].update(required=True)
        documents["student"].update(label=label("Learner", "学习者"))
        pack["changes"].insert(0, {"version": "1.1.0", "text": label("Grades begin at three.", "年级从三开始。")})
        pack["permissions"] = ["http:api.example.com"]

    case = {"name": "c", "story": label("A student needs a name.", "学生必须有姓名。")}
    case |= {"when": [{"create": "student", "values": {}, "refused": {"name": "required"}}]}
    ready = [
        school_pack(folder, "1.1.0", newer, cases=[case]),
        partners_pack(folder / "pets"),
    ]
    for source in ready:
        file = folder / f"{source.name}.trellis"
        archive.build(source.folder, file)
        sign_archive(file, folder / "key.pem")
        shelf.put(file)
    http = make_server("127.0.0.1", 0, make_app(runtime), threaded=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    keys = {login: accounts.log_in(tenant, login, PASSWORD).key for login in ("ada", "rep")}
    yield Site(tenant, f"http://127.0.0.1:{http.server_port}", keys)
    http.shutdown()
    runtime.close()


@pytest.fixture
def visit(browser, site: Site):
    contexts = []

    def open_page(path: str, *, login="ada", size=WIDE, language="en", theme="light", bypass_csp=False):
        context = browser.new_context(viewport=size, bypass_csp=bypass_csp)
        contexts.append(context)
        cookies = {COOKIE: site.cookies[login], "lang": language, "theme": theme}
        context.add_cookies([{"name": n, "value": v, "url": site.url} for n, v in cookies.items()])
        page = context.new_page()
        page.goto(site.url + path)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()


def fits(page) -> None:
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html))",
        RULES,
    )
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def to_plan(page) -> None:
    page.click("main form .t-btn--primary")
    page.wait_for_selector("input[name=hash]", state="attached")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_pages_of_packs_are_accessible_and_fit(visit, language, theme, size) -> None:
    page = visit("/setup/packs", language=language, theme=theme, size=size, bypass_csp=True)
    fits(page)
    page = visit("/setup/packs/school", language=language, theme=theme, size=size, bypass_csp=True)
    fits(page)
    to_plan(page)
    assert page.locator(".t-pack__conflicts tbody tr").count() == 2
    fits(page)


def test_somebody_else_sees_no_packs(site: Site, browser) -> None:
    context = browser.new_context()
    context.add_cookies([{"name": COOKIE, "value": site.cookies["rep"], "url": site.url}])
    for path in ("/setup/packs", "/setup/packs/school"):
        assert context.new_page().goto(site.url + path).status == 403
    context.close()


def test_gallery_shows_the_pictures_of_a_pack(visit, site: Site) -> None:
    page = visit("/setup/packs/pets", size=PHONE, bypass_csp=True)
    shown = page.locator(".t-pack__pictures img")
    assert shown.get_attribute("alt") == "A dot"
    assert shown.evaluate("i => i.decode().then(() => i.naturalWidth)") == 1
    fits(page)
    other = visit("/", login="rep")
    path = "/setup/packs/pets/screenshots/dot.png"
    assert other.request.get(site.url + path).status == 403
    assert page.request.get(f"{site.url}/setup/packs/pets/screenshots/other.png").status == 404


def test_partners_pack_is_installed_and_used(visit, site: Site) -> None:
    page = visit("/setup/packs")
    page.click("a[href='/setup/packs/pets']")
    page.wait_for_selector("text=Acme Ltd")
    to_plan(page)
    page.click("text=Install Pets >> nth=-1")
    page.wait_for_selector("text=1.0.0 is installed")
    page.goto(site.url + "/o/pet_item/new")
    page.fill("input[name=name]", "Rex")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".t-record__title")
    assert "Rex" in page.inner_text(".t-record__title")
    assert "PET-REX" in page.inner_text("main"), "the hook ran in the sandbox"


def test_upgrade_is_tried_on_a_copy_first(visit, site: Site) -> None:
    page = visit("/setup/packs/school", size=PHONE, language="zh", bypass_csp=True)
    to_plan(page)
    page.click("button[formaction$=rehearse]")
    page.wait_for_selector("progress")
    fits(page)
    Worker(site.tenant).run_until_idle()
    page.wait_for_selector("text=在副本上成功")
    fits(page)
    assert (site.tenant.model().snapshot.get("pack", "school") or {})["version"] == "1.0.0"


def test_upgrade_shows_both_values_previews_and_keeps_the_choice(visit, site: Site) -> None:
    page = visit("/setup/packs/school")
    to_plan(page)
    text = page.inner_text("main")
    for part in (
        "Grades begin at three.",
        "http:api.example.com",
        "3 of 3 hold",
        "Stricter",
        "Recommended",
        "Pupil",
        "Learner",
    ):
        assert part in text, part
    row = page.locator(".t-pack__conflicts tbody tr", has_text="min of field")
    row.locator("input[value=theirs]").check()
    page.click("text=Preview with these choices")
    page.wait_for_selector("input[name=hash]", state="attached")
    row = page.locator(".t-pack__conflicts tbody tr", has_text="min of field")
    assert row.locator("input[value=theirs]").is_checked()
    page.click("main .t-btn--primary >> nth=-1")
    page.wait_for_selector("text=1.1.0 is installed")
    student = site.tenant.model().snapshot.get("object", "student") or {}
    assert (student["fields"][2]["min"], student["label"]) == (3, label("Pupil", "学员"))


def test_pack_is_removed_after_its_plan_was_seen(visit, site: Site) -> None:
    page = visit("/setup/packs/school")
    page.click("text=See what removing the pack does")
    page.wait_for_selector("input[name=data]")
    page.click("main .t-btn--primary")
    page.wait_for_selector("text=The pack is removed.")
    assert "school" not in site.tenant.model().snapshot.of_kind("pack")
