"""Who may see and do what: one definition, read by the query builder and by the write path."""

from trellis.access.principal import Cause, Principal
from trellis.access.rights import AccessDenied, ObjectRights, rights

__all__ = ["AccessDenied", "Cause", "ObjectRights", "Principal", "rights"]
