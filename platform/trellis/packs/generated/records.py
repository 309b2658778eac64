"""Valid and invalid records of an object, and both sides of each of its validation rules.

For a rule records are searched for with the rule's own formula: values are tried that its constants suggest. What is found is
then written for real; what is not found is said, not passed over.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from trellis.access import Cause
from trellis.access.principal import SYSTEM
from trellis.model import FieldModel
from trellis.packs.generated.check import Check
from trellis.packs.generated.values import candidates, other_values, parents, usual_value, wrong_value
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis_metadata.errors import TrellisError

MAX_TRIES = 600
MAX_DEPTH = 4
_CAUSE = Cause("test")


class RecordTests:
    """Tests the fields and rules of one object."""

    def __init__(self, tenant: Tenant, name: str) -> None:
        self.tenant, self.name = tenant, name
        self.model = tenant.model().object(name)

    def checks(self) -> Iterator[Check]:
        """Yield all checks of the object."""
        valid, errors = self.valid()
        if valid is None:
            yield Check(self.name, "valid record", "not_found", _told(errors))
        else:
            yield Check(self.name, "valid record", "passed")
            yield from self._required(valid)
            yield from self._types(valid)
        for rule in self.model.doc.get("validation", ()):
            yield from self._rule(rule, valid)

    # -- records ---------------------------------------------------------------------------------------------------

    def valid(self) -> tuple[dict[str, Any] | None, Any]:
        """Return values that the object accepts, found by trying what its fields suggest."""
        minimal = {f.name: usual_value(f) for f in self._writable() if f.required and usual_value(f) is not None}
        errors = self.attempt(minimal)
        if not errors:
            return minimal, None
        wanted = [f for f in self._writable() if f.name in errors or f.required]
        pools = [[v for v in (usual_value(f), *other_values(f))] for f in wanted[:6]]
        for values in itertools.islice(itertools.product(*pools), 60):
            candidate = {**minimal, **dict(zip([f.name for f in wanted], values, strict=False))}
            if not self.attempt(candidate):
                return candidate, None
        return None, errors

    def _writable(self) -> list[FieldModel]:
        return [f for f in self.model.fields.values() if f.writable]

    def attempt(self, values: Mapping[str, Any]) -> Any:
        """Write a record, with records that it must point at, and take it back; return its errors."""
        found: list[Any] = []

        def body(tx: Transaction) -> None:
            row = {**parents(tx, self.model, MAX_DEPTH), **values}
            found.extend(o.errors for o in tx.create(self.name, [row], mode="partial"))

        try:
            self.tenant.run(SYSTEM, _CAUSE, body, preview=True)
        except TrellisError as problem:
            return {"_record": [{"code": problem.code, "message": problem.message}]}
        return found[0] if found else None

    # -- what must be refused --------------------------------------------------------------------------------------

    def _required(self, valid: Mapping[str, Any]) -> Iterator[Check]:
        for f in self._writable():
            chosen = f.doc.get("default") is not None or f.doc["type"] == "stage"
            if f.required and not chosen and f.category != "auto" and "visible_when" not in f.doc:
                errors = self.attempt({**valid, f.name: None})
                yield self._expect(f"'{f.name}' is required", errors, f.name)

    def _types(self, valid: Mapping[str, Any]) -> Iterator[Check]:
        for f in self._writable():
            wrong = wrong_value(f)
            if wrong is not None:
                errors = self.attempt({**valid, f.name: wrong})
                yield self._expect(f"'{f.name}' refuses {str(wrong)[:30]!r}", errors, f.name)

    def _expect(self, what: str, errors: Any, name: str) -> Check:
        refused = bool(errors) and (name in errors or "_record" in errors)
        return Check(self.name, what, "passed" if refused else "failed", "" if refused else "It was accepted.")

    # -- rules -----------------------------------------------------------------------------------------------------

    def _rule(self, rule: Mapping[str, Any], valid: Mapping[str, Any] | None) -> Iterator[Check]:
        name = rule["name"]
        broken, kept = None, None
        for values in candidates(self.model, rule["when"], valid or {}, MAX_TRIES):
            errors = self.attempt(values)
            codes = {e["code"] for found in (errors or {}).values() for e in found if isinstance(e, Mapping)}
            if name in codes:
                broken = broken or values
            elif not errors:
                kept = kept or values
            if broken is not None and kept is not None:
                break
        for what, found in (("is broken by", broken), ("is satisfied by", kept)):
            tried = f"No such record among {MAX_TRIES} tried."
            shown = {k: v for k, v in (found or {}).items() if v is not None}
            yield Check(
                self.name,
                f"rule '{name}' {what} a record",
                "passed" if found is not None else "not_found",
                str(shown)[:300] if found is not None else tried,
            )


def _told(errors: Any) -> str:
    found = [f"{n}: {e['message']}" for n, told in (errors or {}).items() for e in told if isinstance(e, Mapping)]
    return "; ".join(found)[:300]
