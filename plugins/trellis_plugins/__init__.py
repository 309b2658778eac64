"""Plug-ins shipped with Trellis; each uses only what a third party could use."""
