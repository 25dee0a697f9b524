"""Charts: SVG for pages, PDF for papers."""
