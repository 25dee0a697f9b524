"""What lies in the cache folder, and how to make room there."""
