"""Pictures."""

from __future__ import annotations

from trellis.fields.base import Codec, Environment, FieldDoc, FieldType
from trellis.fields.common.stored_files import file_codec


class ImageField(FieldType):
    """One stored picture, by the id of its file."""

    name = "image"
    label = {"en": "Image", "zh": "图片"}
    icon = "photo"
    category = "opaque"
    widget = "image"
    unique_allowed = False

    def compile(self, field: FieldDoc, env: Environment) -> Codec:
        return file_codec()

    def conversions(self, field: FieldDoc) -> frozenset[str]:
        return frozenset({"file", "text", "long_text"})
