"""The Trellis runtime: one generic engine that interprets a tenant's metadata."""
