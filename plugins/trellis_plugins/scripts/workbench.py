"""What the script editor of the user interface asks: check as one types, try, look at runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trellis.access import Principal
from trellis.tenant import Tenant
from trellis_plugins.scripts import audit
from trellis_plugins.scripts.catalogue import read_script
from trellis_plugins.scripts.completion import complete
from trellis_plugins.scripts.host.errors import SandboxUnavailable, ScriptRefused
from trellis_plugins.scripts.host.sandbox import shared
from trellis_plugins.scripts.trial import try_on_record


class Workbench:
    """Serves one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def check(self, source: str) -> Sequence[Mapping[str, Any]]:
        """Return why a source does not compile."""
        try:
            shared().compile(source)
        except ScriptRefused as refusal:
            return refusal.problems
        except SandboxUnavailable as problem:
            return [{"line": 0, "column": 0, "message": problem.message}]
        return []

    def try_on(self, principal: Principal, document: Mapping[str, Any], record: str) -> Mapping[str, Any]:
        """Run a script document, published or not, against a stored record and keep nothing."""
        script = read_script(document)
        number = self.tenant.model().env.parse_id(record, [script.definition.object or ""])[1]
        return try_on_record(self.tenant, principal, script, number)

    def words(self, document: Mapping[str, Any], word: str, language: str) -> Sequence[Mapping[str, str]]:
        """Return what can stand at the cursor."""
        return complete(self.tenant.model(), document.get("object"), word, language)

    def runs(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the last runs of a script."""
        return audit.history(self.tenant, name, 30)
