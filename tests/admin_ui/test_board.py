"""Boards: columns with counts and sums of what the person sees, moves through the write path, refusals, lanes, sixty stages."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
import workbench
from application import make_app, session_key
from tests.support.kernel import counting

from trellis.runtime import Runtime
from trellis_admin.displays import board
from trellis_admin.session import COOKIE

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    runtime = Runtime(tmp_path_factory.mktemp("board"))
    workbench.make(runtime)
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def clients(runtime):
    app = make_app(runtime, TRELLIS_CSRF=False)
    made = {}
    for login in ("ada", "rep", "eve"):
        made[login] = app.test_client()
        made[login].set_cookie(COOKIE, session_key(runtime, login))
    return made


def _heads(html: str) -> dict[str, tuple[int, str]]:
    """Return count and sum by column."""
    found = re.findall(r'id="head-([\w-]+)".*?t-count">(\d+)<.*?t-board__sum">([^<]*)<', html, re.S)
    return {name: (int(count), unescape(total)) for name, count, total in found}


def _cells(html: str) -> dict[str, list[str]]:
    cells = re.findall(r'<ul class="t-board__cell" data-column="([\w-]+)".*?>(.*?)</ul>', html, re.S)
    made: dict[str, list[str]] = {}
    for column, body in cells:
        made.setdefault(column, []).extend(re.findall(r'data-name="([^"]+)"', body))
    return made


def _card(client, name: str) -> str:
    return re.search(rf'data-id="(ticket_\w+)" data-name="{name}"', client.get("/o/ticket?as=board").text)[1]


def _move(client, name: str, stage: str, **more):
    url = f"/o/ticket/{_card(client, name)}/place/stage"
    return client.post(url, data={"stage": stage, "back": "/o/ticket?as=board", **more}, headers=PARTIAL)


def _events(answer) -> dict:
    return json.loads(answer.headers["HX-Trigger"])


def test_columns_count_and_add_up_what_the_person_sees(clients):
    own = [i for i in range(60) if i % 3 != 2]
    expected = {s: [i for i in own if workbench.ticket(i, ["a", "b", "c"])["stage"] == s] for s in ("new", "doing")}
    heads = _heads(clients["rep"].get("/o/ticket?as=board").text)
    assert list(heads) == ["new", "doing", "done", "never"]
    assert heads["new"][0] == len(expected["new"]) and heads["done"] == (0, "")
    assert re.sub(r"\D", "", heads["new"][1]) == str(sum(100 * i for i in expected["new"]))
    everything = _heads(clients["ada"].get("/o/ticket?as=board").text)
    assert sum(count for count, _ in everything.values()) == 60


def test_the_list_offers_the_board_and_a_board_without_fields_is_a_list(clients):
    assert "as=board" in clients["rep"].get("/o/ticket").text
    memos = clients["rep"].get("/o/memo?as=board").text
    assert "t-board" not in memos and "How the records" not in memos


def test_next_cards_of_a_column_come_by_key(clients):
    page = clients["ada"].get("/o/ticket?as=board").text
    first = _cells(page)["new"]
    assert len(first) == board.CARDS
    more = unescape(re.search(r'hx-get="(/o/ticket/cards\?[^"]*cell=new[^"]*)"', page)[1])
    rest = re.findall(r'data-name="([^"]+)"', clients["ada"].get(more, headers=PARTIAL).text)
    assert rest and not set(rest) & set(first)
    assert first + rest == sorted(first + rest)


def test_next_cards_show_nobody_elses_records(clients):
    page = clients["ada"].get("/o/ticket?as=board").text
    more = unescape(re.search(r'hx-get="(/o/ticket/cards\?[^"]*cell=new[^"]*)"', page)[1])
    seen = re.findall(r'data-name="Ticket (\d+)"', clients["rep"].get(more, headers=PARTIAL).text)
    assert seen and all(int(n) % 3 != 2 for n in seen)


def test_a_move_is_written_and_taken_back_by_undo(clients):
    rep = clients["rep"]
    before = _heads(rep.get("/o/ticket?as=board").text)
    answer = _move(rep, "Ticket 00", "doing")
    assert answer.status_code == 200 and answer.headers["HX-Reswap"] == "none"
    events = _events(answer)
    assert events["boardMoved"]["column"] == "doing"
    assert _heads(answer.text)["doing"][0] == before["doing"][0] + 1
    undo = events["toast"]["undo"]
    assert rep.post(undo["url"], data=undo["values"], headers=PARTIAL).status_code == 200
    assert _heads(rep.get("/o/ticket?as=board").text) == before


def test_a_stage_that_asks_for_fields_opens_the_form_and_then_goes_back_to_the_board(clients):
    rep = clients["rep"]
    asked = _move(rep, "Ticket 03", "done")
    assert asked.status_code == 422
    assert 'name="result"' in asked.text and 'name="back" value="/o/ticket?as=board"' in asked.text
    done = _move(rep, "Ticket 03", "done", asked="result", result="Mended")
    assert done.headers["HX-Redirect"] == "/o/ticket?as=board"
    assert "Ticket 03" in _cells(rep.get("/o/ticket?as=board").text)["done"]


def test_a_refused_move_gives_its_reason_and_changes_nothing(clients):
    rep = clients["rep"]
    before = _heads(rep.get("/o/ticket?as=board").text)
    answer = _move(rep, "Ticket 04", "never")
    assert answer.status_code == 422 and _events(answer)["toast"]["text"] == "Nobody gets here."
    assert "boardMoved" not in _events(answer)
    assert _heads(rep.get("/o/ticket?as=board").text) == before


def test_nobody_moves_what_he_may_not_see_or_through_a_field_that_is_no_column(clients):
    hidden = _card(clients["ada"], "Ticket 02")
    assert clients["rep"].post(f"/o/ticket/{hidden}/place/stage", data={"stage": "doing"}).status_code == 404
    own = _card(clients["rep"], "Ticket 00")
    assert clients["rep"].post(f"/o/ticket/{own}/place/name", data={"stage": "x"}).status_code == 404


def test_lanes_sum_up_by_another_field_and_a_move_can_change_the_lane(clients):
    rep = clients["rep"]
    page = rep.get("/o/ticket?as=board&lanes=level").text
    lanes = re.findall(r"t-board__lanename\">(.*?)</span><span class=\"t-count\">(\d+)<", page, re.S)
    assert [int(n) for _, n in lanes] == [20, 20]
    assert "High" in lanes[1][0]
    answer = _move(rep, "Ticket 06", "doing", lanes="level", lane="high", back="/o/ticket?as=board&lanes=level")
    assert _events(answer)["boardMoved"] == {"id": _card(rep, "Ticket 06"), "column": "doing", "lane": "high"}
    undo = _events(answer)["toast"]["undo"]["values"]
    assert (undo["stage"], undo["lane"]) == ("new", "low")


def test_a_view_says_that_it_is_a_board(clients, runtime):
    tenant = runtime.tenant("corvid")
    view = {**workbench.VIEW, "name": "by_level", "type": "board", "group_by": "level", "lanes": "stage"}
    tenant.publisher.apply(tenant.publisher.plan_documents([view]))
    page = clients["rep"].get("/o/ticket?view=by_level").text
    assert set(_heads(page)) >= {"low", "high"} and "t-board__lane" in page
    assert 'class="t-grid"' in clients["rep"].get("/o/ticket?view=by_level&as=list").text


def test_sixty_stages_cost_no_more_statements_than_twelve(clients, runtime):
    clients["rep"].get("/o/part?as=board")
    with counting(runtime.tenant("corvid")) as seen:
        page = clients["rep"].get("/o/part?as=board").text
    assert len(_heads(page)) == 60
    cards = [s for s in seen if "FROM" in s and "part" in s and "ORDER BY" in s]
    assert len(cards) <= board.EAGER + 3
    assert page.count("intersect once") >= 60 - board.EAGER
    assert "data-board-jump" in page


def test_a_saved_view_keeps_how_the_records_are_shown(clients):
    rep = clients["rep"]
    sent = {"label": "My board", "c": ["name", "cost"], "as": "board", "by": "level", "lanes": "stage"}
    url = rep.post("/o/ticket/views", data=sent).location
    page = rep.get(url).text
    assert set(_heads(page)) >= {"low", "high"} and "t-board__lane" in page
    rep.post(f"/o/ticket/views/{url.rpartition('-')[2]}/delete")
    nonsense = {"label": "x", "c": ["name"], "as": "board", "by": "cost"}
    assert rep.post("/o/ticket/views", data=nonsense).status_code == 422
