"""Files of features from any code base, read as plain data: which arrays they hold, and these."""
