"""Demo data: records that a generator tells from a pack's data files, loaded through the write path and removable again."""

from trellis.packs.demo.generators import NoDemo, generate
from trellis.packs.demo.loading import DemoLoaded, load_demo
from trellis.packs.demo.record import DemoRecord, Ref
from trellis.packs.demo.removal import DemoRemoval, remove_demo

__all__ = ["DemoLoaded", "DemoRecord", "DemoRemoval", "NoDemo", "Ref", "generate", "load_demo", "remove_demo"]
