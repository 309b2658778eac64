"""What can go wrong with requests for approval."""

from __future__ import annotations

from trellis_metadata.errors import TrellisError


class UnknownRequest(TrellisError):
    """There is no such request, or none that the caller may know of."""

    code = "unknown_approval_request"


class NotAsked(TrellisError):
    """The person may not do this with the request: he is not asked, or it is his own."""

    code = "not_asked"


class RequestClosed(TrellisError):
    """The request or the step is decided already, or waits for something else."""

    code = "request_closed"


class CommentMissing(TrellisError):
    """What the person does needs a comment."""

    code = "comment_missing"
