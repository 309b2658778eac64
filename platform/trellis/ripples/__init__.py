"""Derived values that follow every write: roll-ups, and the engine that finds what a change touches."""
