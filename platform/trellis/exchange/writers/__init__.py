"""One module per format: ``FORMAT``, ``MEDIA_TYPE``, ``AS_TEXT`` and ``write(headers, rows) -> Iterator[bytes]``."""
