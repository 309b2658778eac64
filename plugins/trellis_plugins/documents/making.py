"""Makes a document that a step asked for: after the commit, since a page of text takes longer than a write may."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from trellis import files, templates
from trellis.access import Cause, Principal
from trellis.access.accounts import principal_of
from trellis.access.principal import SYSTEM
from trellis.jobs.job import Job, JobFailed
from trellis.rules.reader import Onlooker
from trellis_metadata.errors import TrellisError
from trellis_metadata.kinds.template import DOCUMENT
from trellis_plugins.documents.pdf import write_pdf

if TYPE_CHECKING:
    from trellis.tenant import Tenant

TOPIC = "generate_document"
CAUSE = "document"


def handle(job: Job) -> None:
    """Make the document and put it into its field. A record that is gone needs none."""
    told = job.payload
    try:
        principal = _principal(job.tenant, told["user"])
        made = make(job.tenant, principal, told["template"], told["object"], told["record"], told["language"])
        if made is None:
            return
        name, content = made
        _keep(job.tenant, principal, told, name, content)
    except TrellisError as problem:
        if problem.code in ("stale_model", "file_store_failed"):
            raise
        raise JobFailed(problem.message) from None


def make(
    tenant: Tenant, principal: Principal, template: str, object_name: str, record: int, language: str
) -> tuple[str, bytes] | None:
    """Return name and bytes of a document; None for a record that is gone. Raises ``TemplateFailed``, ``NoPdf``.

    What ``principal`` may not read stays blank.
    """
    with tenant.database.reading() as connection:
        model = tenant.model_in(connection)
        found = templates.template_of(model, template, use=DOCUMENT, object_name=object_name)
        reader = Onlooker(tenant, connection, model, principal, tenant.clock.now())
        text = templates.render(reader, found, [record], language, guarded=not principal.admin).get(record)
    return None if text is None else (f"{text.subject[:200]}.pdf", write_pdf(found, text, language))


def _keep(tenant: Tenant, principal: Principal, told: dict[str, object], name: str, content: bytes) -> None:
    stored = files.store(tenant, principal, io.BytesIO(content), name=name, media_type="application/pdf")
    kept = False
    try:
        values = {"id": told["record"], str(told["field"]): stored.id}
        cause = Cause(CAUSE, {"template": told["template"], "because_of": told["cause"]})
        tenant.run(principal, cause, lambda tx: tx.update(str(told["object"]), [values]))
        kept = True
    finally:
        if not kept:
            files.remove(tenant, stored.id)


def _principal(tenant: Tenant, user: int | None) -> Principal:
    if user is None:
        return SYSTEM
    with tenant.database.reading() as connection:
        person = principal_of(tenant, connection, user)
    if person is None:
        raise JobFailed("The person with whose rights it was asked for may no longer log in.")
    return person
