"""The one write path. Everything that changes records goes through :class:`Transaction`."""
from trellis.transaction.errors import NotFound, RecordsInvalid, StaleModel, VersionConflict
from trellis.transaction.outcome import Outcome
from trellis.transaction.transaction import Transaction

__all__ = ["NotFound", "Outcome", "RecordsInvalid", "StaleModel", "Transaction", "VersionConflict"]
