"""The examinations of ``trellis doctor``: every module here has a ``check(tenant, connection) -> Iterable[Complaint]``."""

from trellis.cli.checks.complaint import Complaint, examinations

__all__ = ["Complaint", "examinations"]
