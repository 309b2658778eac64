"""The Trellis metadata language: schemas, definitions, diagnostics, snapshots, operations, diff. Pure: no I/O but reading files."""
