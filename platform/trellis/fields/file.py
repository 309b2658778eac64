"""Files."""

from __future__ import annotations

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.stored_files import file_codec


class FileField(FieldType):
    """One stored file, by its id."""

    name = "file"
    label = {"en": "File", "zh": "文件"}
    icon = "paperclip"
    category = "opaque"
    widget = "file"
    unique_allowed = False

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return file_codec()
