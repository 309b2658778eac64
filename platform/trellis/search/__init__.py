"""Full-text search with Chinese: one tokeniser for writing and asking, one index per database."""

from trellis.search.index import SearchIndex
from trellis.search.tokens import query_terms, tokens_of

__all__ = ["SearchIndex", "query_terms", "tokens_of"]
