"""Industry packs: folders of documents that a tenant installs, with demo data that can be loaded and removed again."""

from trellis.packs.folders import UnknownPack, find_packs, pack_documents
from trellis.packs.installing import MissingPack, install

__all__ = ["MissingPack", "UnknownPack", "find_packs", "install", "pack_documents"]
