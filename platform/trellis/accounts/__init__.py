"""Accounts: how somebody proves who he is, and for how long the proof counts.

``trellis.access.accounts`` is the door; each module here is one part behind it.
"""
