"""Industry packs: installed, upgraded without losing what the customer changed, and removed without a trace."""

from trellis.packs.demo import DemoLoaded, DemoRemoval, NoDemo, load_demo, remove_demo
from trellis.packs.folders import UnknownPack, find_packs, pack_documents
from trellis.packs.installing import apply, install, remember_choices, source_of, uninstall
from trellis.packs.pack_plan import PackPlan
from trellis.packs.planning import MissingPack, plan_install, plan_uninstall
from trellis.packs.source import PackSource, read_pack

__all__ = [
    "DemoLoaded",
    "DemoRemoval",
    "MissingPack",
    "NoDemo",
    "PackPlan",
    "PackSource",
    "UnknownPack",
    "apply",
    "find_packs",
    "install",
    "load_demo",
    "pack_documents",
    "plan_install",
    "plan_uninstall",
    "read_pack",
    "remember_choices",
    "remove_demo",
    "source_of",
    "uninstall",
]
