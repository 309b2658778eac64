"""The one write path. Everything that changes records goes through :class:`Transaction`."""

from trellis.transaction.errors import NotFound, RecordsInvalid, StaleAccess, StaleModel, VersionConflict
from trellis.transaction.outcome import Outcome
from trellis.transaction.transaction import Transaction

__all__ = ["NotFound", "Outcome", "RecordsInvalid", "StaleAccess", "StaleModel", "Transaction", "VersionConflict"]
