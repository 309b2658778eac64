"""Documents: PDF files from templates."""
