"""People named by rule: one way to say "who" in approvals, notifications and assignments."""

from trellis.named_people.resolving import Named, acting, resolve

__all__ = ["Named", "acting", "resolve"]
