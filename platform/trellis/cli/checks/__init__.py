"""The examinations of ``trellis doctor``: every module here has a ``check(tenant, connection) -> Iterable[Complaint]``.

One that can mend what it finds has a ``repair(tenant) -> int`` too.
"""

from trellis.cli.checks.complaint import Complaint, examinations, repairs

__all__ = ["Complaint", "examinations", "repairs"]
