"""The mailbox from which mail is taken in, per tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from trellis.plugin_settings import Problem, SettingField, SettingsGroup, values_of
from trellis.secrets import secret_of
from trellis_plugins.mail.settings import MailNotSetUp, example

if TYPE_CHECKING:
    from trellis.tenant import Tenant

GROUP = "incoming_mail"
SECURITY = (
    ("tls", {"en": "TLS (port 993)", "zh": "TLS（端口 993）"}),
    ("starttls", {"en": "STARTTLS (port 143)", "zh": "STARTTLS（端口 143）"}),
)


@dataclass(frozen=True, slots=True)
class IncomingSettings:
    """A mailbox, and the object whose records become of its mails."""

    host: str
    port: int
    security: str
    user: str
    password: str
    folder: str
    object: str
    unknown: str
    minutes: int


def incoming_settings(tenant: Tenant, connection: Connection) -> IncomingSettings:
    """Return the tenant's settings. Raises :class:`MailNotSetUp` or ``MissingSecret``."""
    found = values_of(tenant, GROUP)
    if not is_set_up(tenant):
        raise MailNotSetUp("The mailbox is not set up: give a server and a user name under Setup, Incoming mail.")
    return IncomingSettings(
        found["host"],
        found["port"],
        found["security"],
        found["user"],
        secret_of(tenant, connection, f"{GROUP}.password"),
        found["folder"],
        found["object"],
        found["unknown"],
        found["minutes"],
    )


def is_set_up(tenant: Tenant) -> bool:
    """Say whether a server and a user are given."""
    found = values_of(tenant, GROUP)
    return bool(found["host"] and found["user"])


def _check(values: Mapping[str, Any]) -> Sequence[Problem]:
    if any(ord(c) < 32 or c in '"\\' for c in values["folder"]):
        return [("folder", {"en": "A folder's name has no quotes.", "zh": "文件夹名称不能包含引号。"})]
    return []


def _test(tenant: Tenant, address: str | None) -> str:
    from trellis_plugins.mail.trying import look_in

    return look_in(tenant, address)


def _changed(tenant: Tenant) -> None:
    from trellis_plugins.mail.fetching import begin

    if is_set_up(tenant):
        begin(tenant)


INCOMING = SettingsGroup(
    GROUP,
    {"en": "Incoming mail", "zh": "接收邮件"},
    {
        "en": "A mailbox (IMAP) whose mails become activities of the records that they are about.",
        "zh": "读取邮箱（IMAP），将邮件归档为相关记录的活动。",
    },
    (
        SettingField("host", {"en": "Server", "zh": "服务器"}, default="", help=example("imap.example.com")),
        SettingField("port", {"en": "Port", "zh": "端口"}, "number", 993, least=1, most=65535),
        SettingField("security", {"en": "Encryption", "zh": "加密方式"}, "choice", "tls", choices=SECURITY),
        SettingField("user", {"en": "User name", "zh": "用户名"}, default=""),
        SettingField("password", {"en": "Password", "zh": "密码"}, "secret"),
        SettingField("folder", {"en": "Folder", "zh": "文件夹"}, default="INBOX"),
        SettingField(
            "object",
            {"en": "Object of mails", "zh": "邮件对象"},
            default="mail",
            help={
                "en": "It has the fields subject and regarding, and, as far as they are to be filled, direction, "
                "from_address, to_address, sent_at, body.",
                "zh": "需有字段 subject 和 regarding；可选字段：direction、from_address、to_address、sent_at、body。",
            },
        ),
        SettingField(
            "unknown",
            {"en": "Mail from people who are in no record", "zh": "发件人不在任何记录中的邮件"},
            "choice",
            "keep",
            choices=(
                ("keep", {"en": "Keep it, about no record", "zh": "保留，不关联记录"}),
                ("ignore", {"en": "Leave it in the mailbox", "zh": "留在邮箱中"}),
            ),
        ),
        SettingField(
            "minutes", {"en": "Minutes between looks", "zh": "查看间隔（分钟）"}, "number", 5, least=1, most=1440
        ),
    ),
    _check,
    _test,
    {"en": "Look into the mailbox", "zh": "测试邮箱"},
    "inbox",
    _changed,
)
