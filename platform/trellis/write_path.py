"""Which parts of the platform take part in a write, and in which order: the one place that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis import plugins
from trellis.access.criteria import maintain
from trellis.approvals.following import follow_records
from trellis.approvals.gates import guard_approvals
from trellis.automation.traces import store
from trellis.automation.writing import may_refuse, run_after, run_before
from trellis.files import check_files
from trellis.locks import enforce_locks, refuse_cascades, refuse_deletion
from trellis.pipelines import choose_pipelines, guard_pipelines, record_stays
from trellis.rules.defaults import fill_formula_defaults
from trellis.rules.validation import enforce_rules
from trellis.transaction.lookup_filters import enforce_lookup_filters

if TYPE_CHECKING:
    from trellis.tenant import Tenant


def assemble(tenant: Tenant) -> None:
    """Put the steps of a tenant's writes in order.

    Plug-ins add theirs after those of the platform; only the choice of pipeline and stage waits for them, since its
    conditions must see the row as it will be stored.
    """
    steps = tenant.steps
    steps.own_row += [fill_formula_defaults, tenant.ripples.begin, run_before]
    steps.judgement += [
        enforce_locks,
        check_files,
        enforce_lookup_filters,
        enforce_rules,
        guard_pipelines,
        guard_approvals,
    ]
    steps.before_delete.append(refuse_deletion)
    steps.before_cascade.append(refuse_cascades)
    steps.ripples += [tenant.ripples.step, maintain]
    steps.after += [record_stays, follow_records]
    for _ in plugins.call("trellis_open_tenant", tenant=tenant):
        pass
    steps.own_row.append(choose_pipelines)
    # What an automation refuses is taken back by itself, so nothing may come after it.
    steps.after.append(run_after)
    steps.may_refuse.append(may_refuse)
    steps.commit.append(store)
