"""Does the steps of one version of an automation, as the one whose rights count and with a cause that names the run."""

from __future__ import annotations

from collections.abc import Sequence

from trellis.access import Cause
from trellis.automation.catalogue import Automation
from trellis.automation.flow import Case, Flow, Position, acting, actor_of
from trellis_metadata.errors import TrellisError


def carry_out(flow: Flow, automation: Automation, cases: Sequence[Case], resume: Position | None = None) -> None:
    """Do the steps for ``cases``; ``resume`` is the place of the wait that is over. What goes wrong for all fails all."""
    tx, session = flow.tx, flow.session
    if not cases:
        return
    run = cases[0].run
    principal = actor_of(tx.principal, run.acts_as)
    detail = {"automation": automation.name, "run": run.id, "because": run.cause}
    if len(cases) > 1:
        detail["runs"] = len(cases)
    session.path.append(automation.name)
    try:
        with acting(tx, principal, Cause("automation", detail)):
            flow.go(automation.steps, cases, resume=resume)
    except TrellisError as problem:
        for case in cases:
            case.fail(problem.message)
    finally:
        session.path.pop()
