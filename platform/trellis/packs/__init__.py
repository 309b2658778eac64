"""Industry packs: folders of documents that a tenant installs, with demo data that can be loaded and removed again."""

from trellis.packs.demo import DemoLoaded, DemoRemoval, NoDemo, load_demo, remove_demo
from trellis.packs.folders import UnknownPack, find_packs, pack_documents
from trellis.packs.installing import MissingPack, install

__all__ = [
    "DemoLoaded",
    "DemoRemoval",
    "MissingPack",
    "NoDemo",
    "UnknownPack",
    "find_packs",
    "install",
    "load_demo",
    "pack_documents",
    "remove_demo",
]
