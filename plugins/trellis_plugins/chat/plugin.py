"""The plug-in: what chat hooks into."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trellis.hookspecs import hookimpl


@hookimpl
def trellis_carriers() -> Iterable[Any]:
    """Carry chat messages."""
    from trellis_plugins.chat.carrier import ChatCarrier

    return [ChatCarrier()]


@hookimpl
def trellis_channels() -> Iterable[Any]:
    """Tell people in a group."""
    from trellis_plugins.chat.channel import ChatChannel

    return [ChatChannel()]


@hookimpl
def trellis_settings() -> Iterable[Any]:
    """Add the page of chat."""
    from trellis_plugins.chat.settings import CHAT

    return [CHAT]
