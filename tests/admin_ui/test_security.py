"""What a link or a form made by a stranger must not do in somebody's session."""

from __future__ import annotations

import re
from urllib.parse import quote

from trellis.access import accounts
from trellis.app import create_app
from trellis.runtime import Runtime
from trellis_admin.session import COOKIE

PAGE = {
    "kind": "object",
    "name": "page",
    "label": "Page",
    "sharing": {"default": "edit"},
    "fields": [{"name": "name", "type": "text"}, {"name": "body", "type": "rich_text"}],
}


def test_link_puts_no_active_markup_into_the_editor_of_rich_text(tmp_path):
    runtime = Runtime(tmp_path)
    tenant = runtime.create_tenant("demo")
    accounts.create_user(tenant, login="rep", name="Rep", password="correct horse")
    tenant.publisher.apply(tenant.publisher.plan_documents([PAGE]))
    client = create_app(runtime, default_tenant="demo").test_client()
    client.set_cookie(COOKIE, accounts.log_in(tenant, "rep", "correct horse").key)

    sent = '<b hx-post="/gadget" hx-trigger="load" onclick="gadget()">kept</b>'
    page = client.get(f"/o/page/new?body={quote(sent)}")

    assert page.status_code == 200
    assert re.search(r"data-richtext.*?>\s*(.*?)</textarea>", page.text, re.DOTALL)[1] == "&lt;b&gt;kept&lt;/b&gt;"
    runtime.close()
