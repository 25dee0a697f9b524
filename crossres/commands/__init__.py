"""The commands of `crossres`, one module each."""
