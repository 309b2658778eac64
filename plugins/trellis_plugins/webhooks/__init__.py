"""Webhooks: other systems are told what happens to records, and called by automation."""
