"""Compare results: which cells belong together, and what differs between them."""
