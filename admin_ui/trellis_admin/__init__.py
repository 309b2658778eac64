"""The Trellis web UI: the workspace for end users and the setup for admins."""
