"""Statistics of differences between rows."""
