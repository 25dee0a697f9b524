"""What the classical methods share."""
