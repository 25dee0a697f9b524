"""The comparison of two results folders: page, terminal, JSON."""
