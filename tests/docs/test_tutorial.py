"""The tutorial is executed; a command that answers something else than the page says is a failure."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
TUTORIAL = HERE.parents[1] / "docs" / "tutorial.md"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_tutorial", HERE / "tutorial.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tutorial = _load()

SMALL = """\
```json file=crm/objects/company.json
{"kind": "object", "name": "company", "fields": [{"name": "name", "type": "text"}]}
```

```console
$ trellis init --password "correct horse battery"
Tenant 'main' is ready in …
…
$ trellis metadata apply crm
  safe        Add object 'company'
1 operation(s). Plan …
Version 2.
```
"""


@pytest.fixture(autouse=True)
def no_outer_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRELLIS_HOME", "TRELLIS_DATABASE_URL", "TRELLIS_TENANT", "TRELLIS_PASSWORD", "TRELLIS_DEBUG"):
        monkeypatch.delenv(name, raising=False)


def test_tutorial_does_what_it_says(tmp_path: Path) -> None:
    with tutorial.Reader(tmp_path) as reader:
        assert reader.follow(TUTORIAL.read_text(encoding="utf-8")) >= 25


def test_every_link_of_the_documentation_leads_to_a_file() -> None:
    import re

    root = TUTORIAL.parents[1]
    broken = []
    for page in [root / "README.md", *(root / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(root)}: {target}")
    assert broken == []


def test_page_as_it_is_passes(tmp_path: Path) -> None:
    with tutorial.Reader(tmp_path) as reader:
        assert reader.follow(SMALL) == 2


@pytest.mark.parametrize(("old", "new"), [
    ("Version 2.", "Version 3."), ("Add object 'company'", "Add object 'firm'"), ("Tenant 'main' is ready", "Tenant is ready"),
    ('"type": "text"', '"type": "texxt"'), ("metadata apply", "metadata aply"), ("…\n$", "$"), ("Version 2.\n", ""),
])  # fmt: skip
def test_changed_block_is_noticed(tmp_path: Path, old: str, new: str) -> None:
    assert old in SMALL
    with tutorial.Reader(tmp_path) as reader, pytest.raises(tutorial.Differs):
        reader.follow(SMALL.replace(old, new))


def test_answers_of_requests_are_compared_without_white_space() -> None:
    assert tutorial.matches(
        '{\n  "id": "company_…",\n "name": "A"\n}\n', '{"id":"company_4w9s","name":"A"}', spaces=False
    )
    assert not tutorial.matches('{"name": "A"}', '{"name":"B"}', spaces=False)
