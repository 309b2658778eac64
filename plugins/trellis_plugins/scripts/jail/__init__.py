"""The inside of a worker: the language layer (wall 1) and the lock-down (wall 2). Imports the standard library,
RestrictedPython and google-re2 only.

INVARIANT: a module of this package never reads a file or opens a connection after it is imported: inside a locked worker
neither is possible.
"""
