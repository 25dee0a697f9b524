"""The commands `crossres cache ...`, one module each."""
