"""One module per format: ``FORMAT``, ``SUFFIXES`` and ``read(path, **options) -> Source``."""
