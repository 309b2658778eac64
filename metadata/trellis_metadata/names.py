"""API names: the permanent identities of everything that metadata defines.

An API name is lower-case ``snake_case``, starts with a letter and has at most 40 characters. Generated SQL and Python use
names only after they passed :func:`is_name`, so that nothing a person types can reach either unchecked.
"""

import re

NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
MAX_LENGTH = 40
SYSTEM_FIELDS = (
    "id",
    "owner",
    "record_type",
    "created_at",
    "created_by",
    "modified_at",
    "modified_by",
    "version",
    "deleted_at",
)


def is_name(text: object) -> bool:
    """Say whether ``text`` is a well-formed API name."""
    return isinstance(text, str) and len(text) <= MAX_LENGTH and NAME.match(text) is not None
