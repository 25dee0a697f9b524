"""The names of sources: real, partial, custom, or a twin of a size and version."""

CUSTOM = "custom"  # a user's own set


def is_twin(source: str) -> bool:
    """Return whether a record's source is a twin, that is, drawn data."""
    return source.startswith("twin")


def source_words(source: str) -> str:
    """Return "real data" for "real", "twin (size quick, version 1)" for "twin:quick:1"."""
    if not is_twin(source):
        return f"{source} data" if source in ("real", "partial", CUSTOM) else source
    size, _, version = source.removeprefix("twin:").partition(":")
    return f"twin (size {size}, version {version or '?'})"
