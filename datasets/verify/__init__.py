"""Verify a raw folder: counts, layout, names, checksums."""
