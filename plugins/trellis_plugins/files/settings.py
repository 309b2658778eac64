"""The bucket of a tenant."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trellis.file_stores import LOCAL, SETTING
from trellis.plugin_settings import Problem, SettingField, SettingsGroup, values_of

if TYPE_CHECKING:
    from trellis.tenant import Tenant

GROUP = "bucket"


def _check(values: Mapping[str, Any]) -> Sequence[Problem]:
    found: list[Problem] = []
    if values["url"] and not values["url"].startswith(("https://", "http://")):
        found.append(("url", {"en": "It begins with https:// or http://.", "zh": "应以 https:// 或 http:// 开头。"}))
    needed = ("url", "bucket", "region", "access_key")
    if values["active"]:
        told = {"en": "It is needed to keep files there.", "zh": "启用时必填。"}
        found += [(name, told) for name in needed if not values[name]]
    if any(not (c.isalnum() and c.isascii()) and c not in "-._" for c in values["bucket"]):
        found.append(("bucket", {"en": "That is no name of a bucket.", "zh": "存储桶名称无效。"}))
    return found


def _changed(tenant: Tenant) -> None:
    """Let new files go to the bucket, or to the home folder again."""
    from trellis_plugins.files.store import NAME

    tenant.change_settings(**{SETTING: NAME if values_of(tenant, GROUP)["active"] else LOCAL})


def _test(tenant: Tenant, address: str | None) -> str:
    """Write, read and remove a small object."""
    from trellis_plugins.files.store import S3Store

    store, key, content = S3Store(), f"{tenant.name}/test-{secrets.token_hex(8)}", secrets.token_bytes(64)
    with tempfile.TemporaryDirectory() as folder:
        path, back = Path(folder, "out"), Path(folder, "in")
        path.write_bytes(content)
        store.write(tenant, key, path)
        try:
            with back.open("wb") as target:
                store.read(tenant, key, target)
            same = back.read_bytes() == content
        finally:
            store.remove(tenant, key)
    return (
        f"{hashlib.sha256(content).hexdigest()[:12]}: {'the same bytes came back' if same else 'OTHER BYTES CAME BACK'}"
    )


BUCKET = SettingsGroup(
    GROUP,
    {"en": "File store", "zh": "文件存储"},
    {
        "en": "A bucket that speaks the protocol of S3. Without it files lie in the home folder.",
        "zh": "兼容 S3 协议的存储桶。未启用时文件保存在本机目录。",
    },
    (
        SettingField("active", {"en": "Keep new files there", "zh": "新文件保存到此处"}, "boolean", False),
        SettingField(
            "url",
            {"en": "Address", "zh": "地址"},
            default="",
            help={
                "en": "For example https://s3.eu-central-1.amazonaws.com",
                "zh": "例如 https://s3.eu-central-1.amazonaws.com",
            },
        ),
        SettingField("bucket", {"en": "Bucket", "zh": "存储桶"}, default=""),
        SettingField("region", {"en": "Region", "zh": "区域"}, default="us-east-1"),
        SettingField("access_key", {"en": "Access key", "zh": "Access Key"}, default=""),
        SettingField("secret_key", {"en": "Secret key", "zh": "Secret Key"}, "secret"),
    ),
    _check,
    _test,
    {"en": "Write and read a test object", "zh": "读写测试"},
    "file",
    _changed,
)
