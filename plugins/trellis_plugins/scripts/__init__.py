"""Scripts: partners' Python, run through two walls.

``jail`` is what runs inside a worker process (wall 1, and the lock-down of wall 2); it imports nothing of Trellis.
``host`` starts workers and talks to them. This module stays empty of imports, because workers load it too.
"""
