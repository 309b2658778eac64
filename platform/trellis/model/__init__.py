"""Metadata compiled for running: immutable, built once per tenant and version, each object when it is first used."""

from trellis.model.environment import ModelEnvironment
from trellis.model.field_model import FieldModel
from trellis.model.model import Model, Reference, UnknownObject
from trellis.model.object_model import ObjectModel, UniqueKey

__all__ = ["FieldModel", "Model", "ModelEnvironment", "ObjectModel", "Reference", "UniqueKey", "UnknownObject"]
