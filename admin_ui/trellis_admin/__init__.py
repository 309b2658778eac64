"""The Trellis web UI: the workspace for end users and the setup for admins.

Pages are rendered on the server from the tenant's model; scripts only improve them. One view module per screen
(``views``), one macro file per widget (``templates/widgets``), one Python renderer per kind of value (``renderers``).
Views ask the runtime and build plain view values; templates show them and decide nothing.
"""

from trellis_admin.blueprint import create_blueprint

__all__ = ["create_blueprint"]
