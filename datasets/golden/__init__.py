"""Published digests, and the splits that they belong to."""
