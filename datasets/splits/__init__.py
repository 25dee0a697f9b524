"""Splits: the manifest, its specification, and the difference of two."""
