"""Languages of the UI: which one a request speaks, its formats, and its compiled messages.

The texts of pages go through gettext. The labels of metadata are resolved by the runtime: language, then English, then the
API name. A language has three names: the one of metadata (``zh``), of Babel (``zh_Hans_CN``) and of HTML (``zh-Hans``).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context, request
from flask_babel import Babel

TRANSLATIONS = Path(__file__).parent / "translations"
COOKIE = "lang"


@dataclass(frozen=True)
class Language:
    """One language of the UI with its names and its formats (patterns of Unicode CLDR)."""

    code: str
    locale: str
    html: str
    name: str
    date: str
    datetime: str
    month_day: str


LANGUAGES = {
    "en": Language("en", "en", "en", "English", "MMM d, y", "MMM d, y, h:mm a", "MMM d"),
    "zh": Language("zh", "zh_Hans_CN", "zh-Hans", "简体中文", "y-MM-dd", "y-MM-dd HH:mm", "M月d日"),
}
DEFAULT = LANGUAGES["en"]


def language() -> Language:
    """Return the language of this request: the person's choice, else the browser's wish, else English."""
    if not has_request_context():
        return DEFAULT
    if "language" not in g:
        g.language = LANGUAGES.get(_wanted()[:2].lower(), DEFAULT)
    return g.language


def _wanted() -> str:
    chosen = request.cookies.get(COOKIE)
    return chosen or request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-Hans"]) or "en"


def install(app: Flask) -> None:
    """Give the application Babel with the catalogues of this package, unless it has Babel already."""
    compile_stale()
    if "babel" in app.extensions:
        return
    Babel(app, default_translation_directories=str(TRANSLATIONS), locale_selector=lambda: language().locale)


def compile_stale(folder: Path = TRANSLATIONS) -> list[Path]:
    """Compile the catalogues of each language that are newer than their compiled form; return the files written.

    A language has one catalogue per area of the UI (``LC_MESSAGES/<area>.po``); together they become ``messages.mo``. Several
    processes may start at once: each writes a file of its own and moves it into place. Where the package cannot be written to
    (an installed wheel holds the compiled form already), what is there is used.
    """
    written = []
    for place in folder.glob("*/LC_MESSAGES"):
        sources, target = sorted(place.glob("*.po")), place / "messages.mo"
        newest = max((s.stat().st_mtime for s in sources), default=0.0)
        if not sources or (target.is_file() and target.stat().st_mtime >= newest):
            continue
        try:
            _compile(sources, target)
        except OSError:
            logging.getLogger(__name__).warning("Texts of %s cannot be compiled here; using what is installed.", place)
            continue
        written.append(target)
    return written


def _compile(sources: Sequence[Path], target: Path) -> None:
    whole = Catalog(locale=target.parent.parent.name)
    for source in sources:
        with source.open("rb") as stream:
            for message in read_po(stream, locale=target.parent.parent.name):
                if message.id:
                    whole[message.id] = message
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".mo", delete=False) as scratch:
        write_mo(scratch, whole)
    Path(scratch.name).chmod(0o644)
    Path(scratch.name).replace(target)
