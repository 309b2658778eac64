"""A plug-in that uses every hook once."""
