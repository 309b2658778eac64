"""The own attack corpus and the legitimate snippets, through the harness and both walls."""

from __future__ import annotations

import json
import subprocess
import sys

import corpus
import pytest

from trellis_plugins.scripts.harness import run
from trellis_plugins.scripts.host.sandbox import Sandbox

ATTACKS = corpus.attacks()
FILES = sorted({c.name.split(":")[0] for c in ATTACKS})
TIMEOUT_S = 0.4


def test_corpus_is_as_large_as_it_should_be() -> None:
    assert len(ATTACKS) >= 700
    assert len(corpus.legitimate()) >= 150
    assert len({c.name for c in ATTACKS}) == len(ATTACKS)


HEAVY = ("budget", "kernel", "sizes")
"""Files whose attacks mostly end at a limit of time."""


@pytest.mark.parametrize("file", [pytest.param(f, marks=pytest.mark.slow) if f in HEAVY else f for f in FILES])
def test_no_attack_gets_anything(file: str, walls: Sandbox) -> None:
    wrong = []
    for case in ATTACKS:
        if case.name.startswith(f"{file}:"):
            answer = run(case.source, TIMEOUT_S, sandbox=walls)
            got = answer["status"] == "ok" and case.result is not corpus.NOTHING and answer["result"] != case.result
            if answer["status"] not in case.expect or got:
                wrong.append((case.name, answer["status"], answer["error"], answer["result"]))
    assert wrong == []


def test_every_legitimate_snippet_does_its_work(sandbox: Sandbox) -> None:
    answers = [(c, run(c.source, 5.0, sandbox=sandbox)) for c in corpus.legitimate()]
    assert [
        (c.name, a["error"], a["changes"]) for c, a in answers if (a["status"], a["changes"]) != ("ok", c.result)
    ] == []


def test_harness_answers_lines_of_json_in_order(walls: Sandbox) -> None:
    cases = [{"id": 1, "code": "1 + 1"}, {"id": 2, "code": "().__class__"}, {"id": 3, "code": "1/0", "timeout_s": 1}]
    sent = "\n".join(json.dumps(c) for c in cases) + "\nnot json\n"
    command = [sys.executable, "-m", "trellis_plugins.scripts.harness"]
    done = subprocess.run(command, input=sent, capture_output=True, text=True, check=True, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(a.get("id"), a["status"]) for a in answers] == [
        (1, "ok"),
        (2, "reject_at_compile"),
        (3, "raise"),
        (None, None),
    ]
    assert answers[0]["result"] == 2
    assert answers[2]["error"] == "line 1: ZeroDivisionError: division by zero"


def test_refused_source_names_every_line(walls: Sandbox) -> None:
    answer = run("x = ().__class__\ny = 1\nimport os\n", sandbox=walls)
    assert [p["line"] for p in answer["problems"]] == [1]
    answer = run("class A: pass\ny = 1\nimport os\nwith y: pass\n", sandbox=walls)
    assert [(p["line"], p["message"].split()[0]) for p in answer["problems"]] == [
        (1, "Classes"),
        (3, "Module"),
        (4, "'with'"),
    ]


@pytest.mark.slow
def test_same_script_takes_the_same_steps_a_hundred_times(walls: Sandbox) -> None:
    source = (
        "words = {w for w in 'the quick brown fox jumps over the lazy dog'.split()}\n"
        "text = ' '.join(words)\n"
        "result = [w for w in words if re.search('o', w)] + sorted(words)\n"
        "for w in words:\n    text = text.replace(w, w * 3)\n"
        "log.info(text, limits.queries)\n"
    )
    answers = [run(source, sandbox=walls) for _ in range(100)]
    assert {a["status"] for a in answers} == {"ok"}
    assert len({a["steps"] for a in answers}) == 1
    assert len({json.dumps(a["result"]) for a in answers}) == 1
