"""What a method is: its interface, options, saved form and conformance."""
