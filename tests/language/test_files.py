"""Folders of metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from language.strategies import LANGUAGE, snapshots

from trellis_metadata import files
from trellis_metadata.snapshot import Snapshot

DEAL = {"kind": "object", "name": "deal", "fields": []}


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)
@given(snapshots())
def test_folder_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, snapshot: Snapshot) -> None:
    folder = tmp_path_factory.mktemp("metadata")
    files.write_folder(snapshot, folder)
    documents, found = files.read_folder(folder)
    again, problems = LANGUAGE.check(documents)
    assert (found, problems, again) == ([], [], snapshot)


TEXTS = {
    "a missing comma": (b'{"kind": "object"\n"name": 1}', "bad_json", "line 2, column 1"),
    "nothing": (b"", "bad_json", "line 1"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte_order_mark", ""),
    "latin-1": (b'{"kind": "object",\n"label": "M\xfcller"}', "bad_encoding", "line 2"),
    "NaN": (b'{"kind": NaN}', "not_finite", "NaN"),
    "a key twice": (b'{"kind": "object", "name": "deal",\n "fields": [],\n "name": "deal"}', "duplicate_key", "line 3"),
    "an escaped key twice": (b'{"a": 1, "\\u0061": {"a": [1, "a", ":"]}}', "duplicate_key", "line 1"),
    "deep nesting": (b"[" * 100_000, "too_deep", "200"),
    "a number of 10000 digits": (b'{"kind": ' + b"9" * 10_000 + b"}", "number_too_large", "39"),
    "null": (b"null", "wrong_type", "null"),
    "too much": (b'"' + b"x" * 20_000_001 + b'"', "too_large", "20000000"),
}


@pytest.mark.parametrize(("content", "code", "words"), TEXTS.values(), ids=TEXTS.keys())
def test_unreadable_file_is_reported_with_its_place(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "deal.json").write_bytes(content)
    _, found = files.read_folder(tmp_path)
    assert [(d.code, d.document, words in d.message) for d in found] == [(code, "objects/deal.json", True)]


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("objects/order.json", "wrong_file_name"),
        ("layouts/deal.json", "wrong_folder"),
        ("object/deal.json", "unknown_folder"),
        ("objects/sub/deal.json", "unexpected_file"),
        ("objects/deal.jsn", "unexpected_file"),
        ("deal.json", "unexpected_file"),
    ],
)
def test_misplaced_file_is_reported(tmp_path: Path, place: str, code: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(json.dumps(DEAL))
    assert [d.code for d in files.read_folder(tmp_path)[1]] == [code]


def test_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(DEAL))
    folder = tmp_path / "metadata" / "objects"
    folder.mkdir(parents=True)
    (folder / "deal.json").symlink_to(outside)
    documents, found = files.read_folder(tmp_path / "metadata")
    assert (documents, [d.code for d in found]) == ([], ["symbolic_link"])


def test_pruning_removes_documents_that_are_gone_and_nothing_else(tmp_path: Path) -> None:
    files.write_folder(Snapshot.of([DEAL, {**DEAL, "name": "order"}]), tmp_path)
    (tmp_path / "README.md").write_text("About")
    files.write_folder(Snapshot.of([DEAL]), tmp_path, prune=True)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")) == [
        "README.md",
        "objects/deal.json",
    ]


def test_pack_file_stands_in_the_root(tmp_path: Path) -> None:
    pack = {"kind": "pack", "name": "edu", "label": "Education", "version": "1.0.0"}
    (tmp_path / "pack.json").write_text(json.dumps(pack))
    assert files.read_folder(tmp_path) == ([pack], [])


# -- scripts and their sources ------------------------------------------------------------------------------------


SCRIPT = {"kind": "script", "name": "totals", "object": "deal", "events": ["before_create"]}
SOURCE = "record.name = 'x'\n"


def test_no_kind_lives_in_a_folder_that_is_passed_over() -> None:
    from trellis_metadata.kind import kinds

    assert {k.folder for k in kinds().values()} & files.OTHER_FOLDERS == set()


def scripts(folder: Path, document: object, **texts: bytes) -> tuple[list[object], list[str]]:
    (folder / "scripts").mkdir()
    (folder / "scripts" / "totals.json").write_text(json.dumps(document), encoding="utf-8")
    for name, text in texts.items():
        (folder / "scripts" / f"{name}.py").write_bytes(text)
    documents, found = files.read_folder(folder)
    return documents, [d.code for d in found]


def test_script_is_read_with_its_source_in_it_or_beside_it(tmp_path: Path) -> None:
    whole = {**SCRIPT, "source": SOURCE}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert scripts(tmp_path / "a", whole) == ([whole], [])
    assert scripts(tmp_path / "b", SCRIPT, totals=SOURCE.replace("\n", "\r\n").encode()) == ([whole], [])


@pytest.mark.parametrize(
    ("document", "texts", "code"),
    [
        ({**SCRIPT, "source": "x"}, {"totals": b"y"}, "two_texts"),
        (SCRIPT, {"totals": b"\xff\xfe"}, "unreadable_file"),
        ({**SCRIPT, "source": "x"}, {"other": b"y"}, "unexpected_file"),
    ],
)
def test_source_that_does_not_fit_is_told(tmp_path: Path, document: object, texts: dict[str, bytes], code: str) -> None:
    assert scripts(tmp_path, document, **texts)[1] == [code]


def test_source_is_written_to_where_it_was_read_from(tmp_path: Path) -> None:
    scripts(tmp_path, SCRIPT, totals=b"old\n")
    snapshot = Snapshot.of([{**SCRIPT, "source": SOURCE}])
    files.write_folder(snapshot, tmp_path)
    assert (tmp_path / "scripts" / "totals.py").read_text(encoding="utf-8") == SOURCE
    assert files.read_folder(tmp_path) == ([{**SCRIPT, "source": SOURCE}], [])
    files.write_folder(Snapshot.of([]), tmp_path, prune=True)
    assert list((tmp_path / "scripts").iterdir()) == []
