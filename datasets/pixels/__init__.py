"""Pixels: decoded, resampled and kept in a store that can be resumed."""
