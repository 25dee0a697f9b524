"""The gate: check new results against a committed baseline."""
