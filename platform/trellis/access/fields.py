"""Which fields a principal may name in a query: those that he may see; masked ones only to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.access.principal import Principal
from trellis.access.rights import rights
from trellis.formula.sql import Refused
from trellis.model import Model, ObjectModel
from trellis.model.formulas import Formula
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.formula.dependencies import dependencies


class FieldRights:
    """Answers for the paths of one query. Administrators see everything and are asked nothing."""

    def __init__(self, principal: Principal, model: Model) -> None:
        self.principal, self.model = principal, model

    def check(self, root: ObjectModel, steps: Sequence[str]) -> tuple[bool, str | None]:
        """Return whether the path's value is masked, and what to say if it does not exist for the principal."""
        if self.principal.admin:
            return False, None
        owner = root
        for position, step in enumerate(steps):
            allowed = rights(self.principal, owner.doc)
            found = owner.field(step) if allowed.may_read_field(step) else None
            if found is None:
                if step == "id" and position == len(steps) - 1:
                    return False, None
                known = [f.name for f in owner.all_fields if allowed.may_read_field(f.name)]
                return False, f"'{owner.name}' has no field '{step[:60]}'.{did_you_mean(step[:60], [*known, 'id'])}"
            if allowed.masks(step):
                return True, None
            if position == len(steps) - 1 or found.category != "reference" or len(found.codec.targets) != 1:
                return False, None
            owner = self.model.object(found.codec.targets[0])
        return False, None

    def refuse_hidden(self, root: ObjectModel, formula: Formula) -> None:
        """Refuse a condition that somebody wrote over fields that he may not see. Raises ``Refused``."""
        if self.principal.admin:
            return
        found = dependencies(formula.typed)
        for path in sorted(found.fields | found.formulas):
            if path.startswith("$"):
                continue
            masked, unknown = self.check(root, path.split("."))
            if masked or unknown:
                raise Refused(unknown or f"'{path}' is masked and cannot be filtered by")
