"""Back end 2: a typed tree becomes a column expression of SQLAlchemy."""
