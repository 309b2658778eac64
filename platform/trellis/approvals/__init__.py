"""Approvals: who must agree before something counts, on any object."""
