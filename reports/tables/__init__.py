"""Tables: terminal, CSV, Markdown, LaTeX."""
