"""Grids: the records of a table, by row and column."""
