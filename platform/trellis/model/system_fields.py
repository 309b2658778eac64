"""The fields that every record has without being declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SYSTEM_FIELD_DOCS: tuple[Mapping[str, Any], ...] = (
    {"name": "owner", "type": "user", "label": {"en": "Owner", "zh": "负责人"}},
    {"name": "record_type", "type": "text", "max_length": 40, "label": {"en": "Record type", "zh": "记录类型"}},
    {"name": "created_at", "type": "datetime", "label": {"en": "Created", "zh": "创建时间"}},
    {"name": "created_by", "type": "user", "label": {"en": "Created by", "zh": "创建人"}},
    {"name": "modified_at", "type": "datetime", "label": {"en": "Last changed", "zh": "最后修改时间"}},
    {"name": "modified_by", "type": "user", "label": {"en": "Last changed by", "zh": "最后修改人"}},
    {"name": "version", "type": "integer", "label": {"en": "Version", "zh": "版本"}},
    {"name": "deleted_at", "type": "datetime", "label": {"en": "Deleted", "zh": "删除时间"}},
)
