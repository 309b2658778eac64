"""What can go wrong with a file before any of its rows is judged."""

from __future__ import annotations

from collections.abc import Sequence

from trellis_metadata.errors import TrellisError


class BadSource(TrellisError):
    """The file cannot be read as what it says it is."""

    code = "bad_source"


class SourceTooLarge(BadSource):
    """The file is larger, wider or longer than an import takes."""

    code = "source_too_large"


class UnknownFormat(BadSource):
    """No reader or writer is known for the format."""

    code = "unknown_format"


class BadMapping(TrellisError):
    """The mapping of headers to fields has errors; ``details["problems"]`` lists them all."""

    code = "bad_mapping"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problems), problems=self.problems)


class CannotResume(TrellisError):
    """There is no interrupted import that fits this file, object and mapping."""

    code = "cannot_resume"


class BadArchive(TrellisError):
    """The file is not an archive of a tenant, or is damaged."""

    code = "bad_archive"


class DuplicateFormat(TrellisError):
    """Two readers of imports are for the same format."""

    code = "duplicate_format"
