"""The kinds of documents: one module each, found by discovery (see ``trellis_metadata.kind``)."""
