"""Configuration: tables and profiles, read from TOML."""
