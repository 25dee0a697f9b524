"""Draw people, vehicles and scenes."""
