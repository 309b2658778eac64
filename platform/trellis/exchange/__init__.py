"""Records in and out of files: import with mapping and matching, export, and whole-tenant archives."""
