"""Where mail leaves, per tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.plugin_settings import Problem, SettingField, SettingsGroup, secrets_given, values_of
from trellis.secrets import secret_of
from trellis_metadata.errors import TrellisError
from trellis_plugins.mail.addresses import problem_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant

GROUP = "mail"
SECURITY = (
    ("starttls", {"en": "STARTTLS (port 587)", "zh": "STARTTLS（端口 587）"}),
    ("tls", {"en": "TLS (port 465)", "zh": "TLS（端口 465）"}),
    ("none", {"en": "None: only inside one's own network", "zh": "不加密：仅限内部网络"}),
)


class MailNotSetUp(TrellisError):
    """The tenant has no settings for mail yet, so none can be sent."""

    code = "mail_not_set_up"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mail leaves. ``password`` is None where the server asks for none."""

    host: str
    port: int
    security: str
    user: str
    password: str | None
    sender: str
    sender_name: str
    reply_to: str
    site: str


def mail_settings(tenant: Tenant, connection: Connection) -> MailSettings:
    """Return the tenant's settings. Raises :class:`MailNotSetUp`."""
    found = values_of(tenant, GROUP)
    if not is_set_up(tenant):
        raise MailNotSetUp("Mail is not set up: give a server and a sender under Setup, Outgoing mail.")
    given = "password" in secrets_given(connection, GROUP)
    return MailSettings(
        found["host"],
        found["port"],
        found["security"],
        found["user"],
        secret_of(tenant, connection, f"{GROUP}.password") if given else None,
        found["sender"],
        found["sender_name"] or str(tenant.settings.get("organisation") or ""),
        found["reply_to"],
        found["site"].rstrip("/"),
    )


def is_set_up(tenant: Tenant) -> bool:
    """Say whether a server and a sender are given."""
    found = values_of(tenant, GROUP)
    return bool(found["host"] and found["sender"])


def example(text: str) -> dict[str, str]:
    """Return a help text that gives an example."""
    return {"en": f"For example {text}", "zh": f"例如 {text}"}


def _check(values: Mapping[str, Any]) -> Sequence[Problem]:
    found: list[Problem] = []
    for name in ("sender", "reply_to"):
        problem = problem_of(values[name]) if values[name] else None
        if problem is not None:
            found.append((name, {"en": problem, "zh": "这不是有效的邮件地址。"}))
    if values["site"] and not values["site"].startswith(("https://", "http://")):
        found.append(("site", {"en": "It begins with https:// or http://.", "zh": "应以 https:// 或 http:// 开头。"}))
    if values["user"] and values["security"] == "none":
        told = {"en": "A password is never sent unencrypted; choose TLS.", "zh": "密码不会以明文发送，请选择 TLS。"}
        found.append(("security", told))
    return found


def _test(tenant: Tenant, address: str | None) -> str:
    from trellis_plugins.mail.trying import send_test

    return send_test(tenant, address)


OUTGOING = SettingsGroup(
    GROUP,
    {"en": "Outgoing mail", "zh": "发送邮件"},
    {"en": "The server that takes mail and sends it on (SMTP).", "zh": "负责投递邮件的服务器（SMTP）。"},
    (
        SettingField("host", {"en": "Server", "zh": "服务器"}, default="", help=example("smtp.example.com")),
        SettingField("port", {"en": "Port", "zh": "端口"}, "number", 587, least=1, most=65535),
        SettingField("security", {"en": "Encryption", "zh": "加密方式"}, "choice", "starttls", choices=SECURITY),
        SettingField("user", {"en": "User name", "zh": "用户名"}, default=""),
        SettingField("password", {"en": "Password", "zh": "密码"}, "secret"),
        SettingField(
            "sender", {"en": "Sender's address", "zh": "发件人地址"}, default="", help=example("crm@example.com")
        ),
        SettingField("sender_name", {"en": "Sender's name", "zh": "发件人名称"}, default=""),
        SettingField("reply_to", {"en": "Answers go to", "zh": "回复地址"}, default=""),
        SettingField(
            "site",
            {"en": "Address of this installation", "zh": "本系统的网址"},
            default="",
            help={
                "en": "For links in mails: https://crm.example.com",
                "zh": "用于邮件中的链接：https://crm.example.com",
            },
        ),
    ),
    _check,
    _test,
    {"en": "Send a test mail to me", "zh": "给我发送测试邮件"},
    "mail",
)
