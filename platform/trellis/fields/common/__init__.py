"""What several field types share. Nothing here is a field type."""
