"""The group in which people are told, per tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.deliveries import WAITING, Delivery
from trellis.plugin_settings import Problem, SettingField, SettingsGroup, values_of
from trellis_plugins.chat.formats import FORMATS

if TYPE_CHECKING:
    from trellis.tenant import Tenant

GROUP = "chat"


def is_active(tenant: Tenant) -> bool:
    """Say whether people are told in the group."""
    return bool(values_of(tenant, GROUP)["active"])


def _check(values: Mapping[str, Any]) -> Sequence[Problem]:
    if values["site"] and not values["site"].startswith(("https://", "http://")):
        return [("site", {"en": "It begins with https:// or http://.", "zh": "应以 https:// 或 http:// 开头。"})]
    return []


def _test(tenant: Tenant, address: str | None) -> str:
    """Say something in the group at once, outside the log."""
    from trellis_plugins.chat.carrier import ChatCarrier

    payload = {"who": "", "text": "Trellis: test / 测试", "link": ""}
    now = tenant.clock.now()
    made = Delivery(0, GROUP, "", "test", None, None, payload, WAITING, 1, None, None, now, None, None)
    return ChatCarrier().deliver(tenant, made)


CHAT = SettingsGroup(
    GROUP,
    {"en": "Chat", "zh": "聊天群通知"},
    {
        "en": "A group of WeCom, DingTalk, Feishu or Slack in which people are told.",
        "zh": "在企业微信、钉钉、飞书或 Slack 群中通知相关人员。",
    },
    (
        SettingField("active", {"en": "Tell people there", "zh": "启用"}, "boolean", False),
        SettingField(
            "format",
            {"en": "Service", "zh": "服务"},
            "choice",
            "generic",
            choices=tuple((name, f.label) for name, f in FORMATS.items()),
        ),
        SettingField(
            "url",
            {"en": "Address of the robot", "zh": "机器人 Webhook 地址"},
            "secret",
            help={"en": "It holds the key of the group and is kept as a secret.", "zh": "含有群密钥，按密文保存。"},
        ),
        SettingField(
            "signing",
            {"en": "Signing secret", "zh": "加签密钥"},
            "secret",
            help={
                "en": "DingTalk and Feishu, where the robot asks for signatures.",
                "zh": "钉钉、飞书机器人启用“加签”时填写。",
            },
        ),
        SettingField("site", {"en": "Address of this installation", "zh": "本系统的网址"}, default=""),
    ),
    _check,
    _test,
    {"en": "Say something there", "zh": "发送测试消息"},
    "message",
)
