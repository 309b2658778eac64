"""HTML to PDF by WeasyPrint, which fetches nothing: a document holds what its template and its record say, no more."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.cli.checks import Complaint
from trellis.templates import Rendered
from trellis_metadata.errors import TrellisError
from trellis_metadata.kinds.template import DOCUMENT, TemplateDef

if TYPE_CHECKING:
    from trellis.tenant import Tenant

BASE = """
@page { margin: 20mm 18mm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #667 } }
body { font: 10pt/1.5 "Noto Sans", "Noto Sans CJK SC", "Liberation Sans", sans-serif; color: #112 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: 2mm; border-bottom: .2mm solid #ccd }
"""


class NoPdf(TrellisError):
    """No PDF can be made on this machine: WeasyPrint or the system library Pango is missing."""

    code = "no_pdf"


def write_pdf(template: TemplateDef, text: Rendered, language: str) -> bytes:
    """Return a document as PDF. Raises :class:`NoPdf`."""
    library = _library()
    tag = "zh-Hans" if language == "zh" else language
    paper = f"@page {{ size: {template.page}{' landscape' if template.landscape else ''} }}"
    head = f'<meta charset="utf-8"><title>{html.escape(text.subject)}</title><style>{BASE}{paper}{template.css}</style>'
    page = f'<!doctype html><html lang="{tag}"><head>{head}</head><body>{text.html}</body></html>'
    return bytes(library.HTML(string=page, url_fetcher=_fetch).write_pdf())


def _fetch(url: str, *_: Any, **__: Any) -> Any:
    if not url.startswith("data:image/"):
        raise ValueError("Documents fetch nothing.")
    return _library().default_url_fetcher(url)


def _library() -> Any:
    try:
        import weasyprint  # type: ignore[import-untyped]
    except (ImportError, OSError) as problem:
        told = str(problem).split("\n")[0][:200]
        raise NoPdf(f"No PDF can be made here: {told}. Install 'trellis-crm[documents]' and Pango.") from None
    return weasyprint


def complaints(tenant: Tenant, connection: Connection) -> Iterator[Complaint]:
    """Yield a complaint where a template is for documents and the library is missing."""
    templates = tenant.model_in(connection).snapshot.of_kind("template").values()
    if any(t["use"] == DOCUMENT for t in templates):
        try:
            _library()
        except NoPdf as problem:
            yield Complaint("documents", problem.message, "Install what is missing.")
