"""Every text of the UI is in the catalogue and translated."""

from __future__ import annotations

import re
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import trellis_admin
from trellis_admin.i18n import compile_stale

ROOT = Path(trellis_admin.__file__).parent
CATALOGUES = sorted((ROOT / "translations" / "zh_Hans_CN" / "LC_MESSAGES").glob("*.po"))
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def _wanted() -> set[object]:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    found = extract_from_dir(ROOT, method_map=methods, keywords=KEYWORDS)
    return {m if isinstance(m, str) else tuple(m[:2]) for _file, _line, m, _comments, _context in found}


def _catalogue():
    found = []
    for path in CATALOGUES:
        with path.open("rb") as stream:
            found += [m for m in read_po(stream) if m.id]
    return found


def test_every_text_has_a_chinese_translation():
    translated = {m.id if isinstance(m.id, str) else tuple(m.id) for m in _catalogue() if m.string and all(m.string)}
    assert _wanted() - translated == set()


def test_the_catalogue_holds_no_text_that_the_ui_lost():
    assert {m.id if isinstance(m.id, str) else tuple(m.id) for m in _catalogue()} - _wanted() == set()


def test_areas_agree_on_the_translation_of_a_text():
    seen = {}
    for message in _catalogue():
        assert seen.setdefault(str(message.id), message.string) == message.string, message.id


def test_translations_keep_the_placeholders():
    wrong = []
    for message in _catalogue():
        source = message.id if isinstance(message.id, str) else message.id[-1]
        target = message.string if isinstance(message.string, str) else message.string[0]
        if sorted(_PLACEHOLDER.findall(source)) != sorted(_PLACEHOLDER.findall(target)):
            wrong.append(source)
    assert wrong == []


def test_templates_hold_no_english_outside_gettext():
    """Text between tags that is neither an expression nor a sign was forgotten. The style page shows sample data."""
    forgotten = []
    for path in (ROOT / "templates").rglob("*.html"):
        if path.name == "style_page.html":
            continue
        text = re.sub(r"\{% set \w+ %\}.*?\{% endset %\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.S)
        text = re.sub(r"<[^>]*>", "\n", text)
        words = [w.strip() for w in text.split("\n") if re.search(r"[A-Za-z]{3}", w)]
        forgotten += [f"{path.name}: {w}" for w in words if w not in ("Ctrl K", "Enter", "Esc", "JSON", "Trellis ·")]
    assert forgotten == []


def test_a_stale_compiled_catalogue_is_made_again(tmp_path):
    folder = tmp_path / "zh_Hans_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    for number, path in enumerate(CATALOGUES):
        (folder / f"{number}.po").write_bytes(path.read_bytes())
    (folder / "extra.po").write_text('msgid "A text of another area"\nmsgstr "另一处"\n', encoding="utf-8")
    assert [p.name for p in compile_stale(tmp_path)] == ["messages.mo"]
    assert compile_stale(tmp_path) == []
    with (folder / "messages.mo").open("rb") as stream:
        texts = GNUTranslations(stream)
    assert texts.gettext("Save") == "保存"
    assert texts.gettext("A text of another area") == "另一处"
