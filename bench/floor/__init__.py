"""The floor: hand-written Flask over two fixed tables, no metadata, no rights, no history."""
