"""Measures of a cell beside its metrics: cost, curves, restoration."""
