"""The way into the setup: one page that names every other, and a navigation of its own."""

from __future__ import annotations

import re

from trellis_admin.setup_pages import GROUPS, _found


def paths_of(html: str) -> list[str]:
    return re.findall(r'href="(/setup[a-z/-]*)"', html)


def test_setup_home_leads_to_pages_that_are_there(admin) -> None:
    page = admin.get("/setup")
    assert page.status_code == 200
    paths = set(paths_of(page.text)) - {"/setup"}
    assert len(paths) >= 15
    assert {p: admin.get(p).status_code for p in sorted(paths)} == dict.fromkeys(sorted(paths), 200)


def test_navigation_of_the_setup_stands_in_place_of_the_apps(admin) -> None:
    outside, inside = admin.get("/").text, admin.get("/setup/packs").text
    assert set(paths_of(outside)) >= {"/setup"}
    nav = re.search(r"<nav.*?</nav>", inside, re.S)
    assert nav is not None
    assert "/setup/audit" in nav[0]
    assert 'href="/o/' not in nav[0]
    assert re.findall(r'href="([^"]*)" aria-current="page"', nav[0]) == ["/setup/packs"]
    nav = re.search(r"<nav.*?</nav>", outside, re.S)
    assert nav is not None
    assert "/setup/audit" not in nav[0]


def test_nobody_else_sees_a_setup(rep) -> None:
    assert rep.get("/setup").status_code == 403
    assert 'href="/setup"' not in rep.get("/").text


def test_every_module_names_a_known_group(app) -> None:
    with app.test_request_context("/"):
        assert {page.group for tell in _found() for page in tell()} == set(GROUPS)
