"""The audit: who logged in, who changed rights, who took data out, who looked at protected fields; and the proof that nobody changed it."""

from trellis.audit.noting import note, note_for

__all__ = ["note", "note_for"]
