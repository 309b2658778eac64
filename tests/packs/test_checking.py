"""What ``pack check`` finds, and ranges of versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packs.samples import base_pack, label, put, school_pack

from trellis.packs.checking import check_pack, load_order
from trellis.packs.ranges import accepts, parse_version
from trellis.packs.source import PackSource, read_pack
from trellis.packs.template import new_pack
from trellis.publishing.publisher import InvalidMetadata


def checked(tmp_path: Path, edit: Any = None, **lists: Any) -> list[str]:
    base, school = base_pack(tmp_path), school_pack(tmp_path, edit=edit, **lists)
    return [d.code for d in check_pack(school, {"base": base})[1]]


def test_good_pack_has_no_findings(tmp_path: Path) -> None:
    assert checked(tmp_path) == []


def test_pack_from_the_template_has_no_findings(tmp_path: Path) -> None:
    new_pack(tmp_path / "pets", "pets", "pet")
    assert check_pack(read_pack(tmp_path / "pets"), {})[1] == []


def at(name: str, change: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    return lambda documents, pack: change(pack if name == "pack" else documents[name])


FINDINGS: dict[str, tuple[Callable[[Any, Any], None], str]] = {
    "a text without Chinese": (at("student", lambda d: d.update(label={"en": "Student"})), "missing_translation"),
    "a text in one string": (at("student", lambda d: d["fields"][0].update(label="Name")), "missing_translation"),
    "a text of a part without Chinese": (
        at("client", lambda d: d["fields"][0].update(label="Kids")),
        "missing_translation",
    ),
    "a name of the customers": (
        at("student", lambda d: d["fields"].append({"name": "x_a", "type": "text", "label": label("A", "甲")})),
        "reserved_prefix",
    ),
    "an addition without the prefix": (
        at("client", lambda d: d["fields"].append({"name": "kids", "type": "text", "label": label("A", "甲")})),
        "missing_prefix",
    ),
    "a change of others": (at("client", lambda d: d.update(icon="box")), "changes_others"),
    "no prefix at all": (at("pack", lambda d: d.pop("prefix")), "missing_prefix"),
    "an option that is not declared": (
        at("student", lambda d: d["fields"][2].update(min="{{option.nothing}}")),
        "bad_option",
    ),
    "a bad default of an option": (at("pack", lambda d: d["options"][0].update(default=0)), "bad_default"),
    "choices of a number": (at("pack", lambda d: d["options"][0].update(choices=["a"])), "bad_choices"),
    "limits of choices": (at("pack", lambda d: d["options"][1].update(min=1)), "bad_limit"),
    "a part with an unknown document": (
        at("pack", lambda d: d["slices"][0]["documents"].append("object/nothing")),
        "unknown_reference",
    ),
    "news of a later version": (
        at("pack", lambda d: d["changes"].insert(0, {"version": "2.0.0", "text": label("x", "y")})),
        "bad_version",
    ),
    "a requirement that is not at hand": (
        at("pack", lambda d: d["requires"].append({"name": "other"})),
        "missing_pack",
    ),
    "a requirement in another version": (
        at("pack", lambda d: d["requires"][0].update(version=">=3.0")),
        "missing_pack",
    ),
    "itself as requirement": (at("pack", lambda d: d["requires"].append({"name": "school"})), "requires_itself"),
    "a state of installation": (at("pack", lambda d: d.update(installed={"pristine": "0" * 64})), "unknown_key"),
    "a reference that leads nowhere": (at("students", lambda d: d["columns"].append("nothing")), "unknown_field"),
    "a document of another pack": (
        lambda documents, pack: documents["lesson"].update(name="client"),
        "wrong_file_name",
    ),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_check_finds(tmp_path: Path, name: str) -> None:
    change, code = FINDINGS[name]
    try:
        found = checked(tmp_path, change)
    except InvalidMetadata as problem:
        found = [d.code for d in problem.diagnostics]
    if name == "a document of another pack":
        code = "name_taken"
    assert code in found


@pytest.mark.parametrize(
    ("lists", "code"),
    [
        ({"cases": [{"name": "c", "story": "s", "when": [{"crate": "x"}]}]}, "unknown_key"),
        ({"cases": [{"name": "c", "story": "s", "when": [{"as": "a"}]}]}, "bad_step"),
        ({"cases": [{"name": "c", "then": [{"find": "client"}]}]}, "missing_key"),
        ({"migrations": [{"version": "1.0.0", "steps": [{"object": "x"}]}]}, "bad_step"),
        ({"migrations": [{"version": "1.0.0"}]}, "missing_key"),
        ({"migrations": [{"version": "1.0.0", "steps": [], "more": 1}]}, "unknown_key"),
    ],
)
def test_malformed_cases_and_migrations_are_found(tmp_path: Path, lists: Any, code: str) -> None:
    assert code in checked(tmp_path, **lists)


def test_text_may_stand_in_a_translation(tmp_path: Path) -> None:
    school = school_pack(tmp_path, edit=at("student", lambda d: d.update(label={"en": "Student"})))
    assert school.folder is not None
    text = {"kind": "translation", "name": "school_zh", "language": "zh", "texts": {"object.student.label": "学生"}}
    put(school.folder / "translations" / "school_zh.json", text)
    assert check_pack(read_pack(school.folder), {"base": base_pack(tmp_path)})[1] == []


def test_link_in_a_pack_is_refused(tmp_path: Path) -> None:
    school = school_pack(tmp_path, cases=[{"name": "c", "story": "s", "then": [{"find": "client"}]}])
    assert school.folder is not None
    (school.folder / "cases" / "link.json").symlink_to("/etc/hostname")
    with pytest.raises(InvalidMetadata):
        read_pack(school.folder)


def test_required_packs_come_in_order(tmp_path: Path) -> None:
    base, school = base_pack(tmp_path), school_pack(tmp_path)
    top = PackSource({"name": "top", "version": "1.0.0", "requires": [{"name": "school"}]}, (), (), (), ())
    assert load_order("top", {"base": base, "school": school, "top": top}) == ["base", "school", "top"]


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        (None, "0.1.0", True),
        ("1.2", "1.2.9", True),
        ("=1.2.3", "1.2.4", False),
        (">=1.0 <2.0", "1.9.9", True),
        (">=1.0 <2.0", "2.0.0", False),
        (">1.2", "1.2.5", False),
        (">1.2", "1.3.0", True),
        ("<=1.2", "1.2.5", True),
        ("^1.2", "1.9.0", True),
        ("^1.2", "1.1.9", False),
        ("^1.2", "2.0.0", False),
        ("^0.2.3", "0.2.9", True),
        ("^0.2.3", "0.3.0", False),
        ("~1.2.3", "1.2.9", True),
        ("~1.2.3", "1.3.0", False),
        ("~1", "1.9.0", True),
    ],
)
def test_ranges_of_versions(wanted: str | None, version: str, fits: bool) -> None:
    # The expectations are those of npm's semver for the same ranges.
    assert accepts(wanted, version) is fits


def test_versions_sort_as_people_expect() -> None:
    versions = ["1.0.0-beta", "1.0.0", "1.2.0", "1.10.0", "2.0.0"]
    assert sorted(reversed(versions), key=parse_version) == versions
