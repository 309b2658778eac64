"""The plug-in: what the file store hooks into."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trellis.hookspecs import hookimpl


@hookimpl
def trellis_file_stores() -> Iterable[Any]:
    """Keep files in a bucket."""
    from trellis_plugins.files.store import S3Store

    return [S3Store()]


@hookimpl
def trellis_settings() -> Iterable[Any]:
    """Add the page of the bucket."""
    from trellis_plugins.files.settings import BUCKET

    return [BUCKET]
