"""The names of sources: real, partial, custom, or a twin of a size and version."""

CUSTOM = "custom"  # a user's own set
CAUTION = ("real", CUSTOM, "partial", "twin")  # the later, the more cautious


def is_twin(source: str) -> bool:
    """Return whether a record's source is a twin, that is, drawn data."""
    return source.startswith("twin")


def more_cautious(first: str, second: str) -> str:
    """Return that of two sources whose numbers are to be taken more cautiously; if neither, the
    first.
    """
    kinds = [source.partition(":")[0] for source in (first, second)]
    places = [CAUTION.index(kind) if kind in CAUTION else len(CAUTION) for kind in kinds]
    return second if places[1] > places[0] else first


def source_words(source: str) -> str:
    """Return "real data" for "real", "twin (size quick, version 1)" for "twin:quick:1"."""
    if not is_twin(source):
        return f"{source} data" if source in ("real", "partial", CUSTOM) else source
    size, _, version = source.removeprefix("twin:").partition(":")
    return f"twin (size {size}, version {version or '?'})"
