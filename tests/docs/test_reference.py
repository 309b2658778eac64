"""The reference is what ``make docs`` makes of the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _reference()
PAGES: dict[str, str] = reference.pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name: str) -> None:
    path = reference.TARGET / name
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    assert found == PAGES[name], (
        f"docs/reference/{name} is not what the code says: run 'make docs' and commit the result."
    )


def test_no_page_is_left_of_a_kind_that_is_gone() -> None:
    assert {f"metadata/{p.name}" for p in (reference.TARGET / "metadata").glob("*.md")} <= set(PAGES)


def test_every_key_of_the_language_has_a_meaning_on_its_page() -> None:
    lines = [
        line
        for name, page in PAGES.items()
        if name.startswith(("metadata/", "field-types"))
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    assert len(lines) > 100
    assert [line for line in lines if not line.split(" | ")[2].strip()] == []


def test_every_field_type_and_error_code_has_a_place() -> None:
    from trellis.api.errors import STATUS
    from trellis.fields import field_types

    assert [n for n in field_types() if f"\n## {n}\n" not in PAGES["field-types.md"]] == []
    assert all(f"| `{code}` | {status} |" in PAGES["errors.md"] for code, status in STATUS.items())
