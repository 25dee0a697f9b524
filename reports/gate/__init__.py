"""The answer of the gate: terminal, JSON, Markdown, JUnit, annotations."""
