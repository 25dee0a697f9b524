"""The commands of `crossres datasets`, one module each."""
