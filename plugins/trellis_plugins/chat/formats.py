"""How each service wants a message, and how it says that it took it.

Sources: WeCom "Group robot configuration", DingTalk "Custom robot access" with its section on signing, Feishu "Custom bot usage
guide" with its section on signature verification, Slack "Sending messages using incoming webhooks".
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

LIMIT = 2000
"""Characters of a message: WeCom takes 2,048 bytes of text, the others more."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said. ``link`` is an address or empty."""

    who: str
    text: str
    link: str

    @property
    def plain(self) -> str:
        """The message as text: whom it is for, what it says, where it leads."""
        head = f"{self.who}: {self.text}" if self.who else self.text
        return f"{head}\n{self.link}" if self.link else head


@dataclass(frozen=True, slots=True)
class Format:
    """``write`` gives address and body from address, secret (may be empty), message and moment; ``judge`` the service's complaint.

    ``busy`` are the codes of complaints that pass.
    """

    label: str
    write: Callable[[str, str, Message, datetime], tuple[str, Mapping[str, Any]]]
    judge: Callable[[bytes], tuple[str, str] | None]
    busy: frozenset[str] = frozenset()


def _bytes_cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")


def _generic(url: str, secret: str, message: Message, now: datetime) -> tuple[str, Mapping[str, Any]]:
    return url, {"who": message.who, "text": message.text, "link": message.link}


def _wecom(url: str, secret: str, message: Message, now: datetime) -> tuple[str, Mapping[str, Any]]:
    return url, {"msgtype": "text", "text": {"content": _bytes_cut(message.plain, 2048)}}


def dingtalk_sign(secret: str, stamp: int) -> str:
    """Return the sign of DingTalk: HMAC-SHA256 of ``<milliseconds>\\n<secret>`` under the secret, in base64."""
    made = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256").digest()
    return base64.b64encode(made).decode()


def _dingtalk(url: str, secret: str, message: Message, now: datetime) -> tuple[str, Mapping[str, Any]]:
    if secret:
        stamp = int(now.timestamp() * 1000)
        mark = "&" if "?" in url else "?"
        url = f"{url}{mark}timestamp={stamp}&sign={quote(dingtalk_sign(secret, stamp), safe='')}"
    return url, {"msgtype": "text", "text": {"content": message.plain[:LIMIT]}}


def feishu_sign(secret: str, stamp: int) -> str:
    """Return the sign of Feishu: HMAC-SHA256 of nothing under ``<seconds>\\n<secret>``, in base64."""
    return base64.b64encode(hmac.new(f"{stamp}\n{secret}".encode(), b"", "sha256").digest()).decode()


def _feishu(url: str, secret: str, message: Message, now: datetime) -> tuple[str, Mapping[str, Any]]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": message.plain[:LIMIT]}}
    if secret:
        stamp = int(now.timestamp())
        body = {"timestamp": str(stamp), "sign": feishu_sign(secret, stamp), **body}
    return url, body


def _slack(url: str, secret: str, message: Message, now: datetime) -> tuple[str, Mapping[str, Any]]:
    text = message.plain[:LIMIT].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return url, {"text": text}


def _code(name: str, told: str) -> Callable[[bytes], tuple[str, str] | None]:
    def judge(answer: bytes) -> tuple[str, str] | None:
        try:
            found = json.loads(answer)
            code = found[name]
        except (ValueError, KeyError, TypeError):
            return "", "an answer that is none of this service"
        return None if code == 0 else (str(code), f"{code} {found.get(told, '')}".strip())

    return judge


FORMATS: Mapping[str, Format] = {
    "generic": Format("Webhook", _generic, lambda answer: None),
    "wecom": Format("WeCom 企业微信", _wecom, _code("errcode", "errmsg"), frozenset({"45009", "-1"})),
    "dingtalk": Format("DingTalk 钉钉", _dingtalk, _code("errcode", "errmsg"), frozenset({"130101", "410100", "-1"})),
    "feishu": Format("Feishu 飞书", _feishu, _code("code", "msg"), frozenset({"9499", "11232"})),
    "slack": Format(
        "Slack",
        _slack,
        lambda answer: None if answer.strip() == b"ok" else ("", answer[:200].decode("utf-8", "replace")),
    ),
}
