"""Rules written in the expression language: checked when they are published, enforced in the write path.

The modules are imported one by one: scopes are needed by parts that the write path itself is built on.
"""
