"""The version of crossres that is installed."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the version of the installed package; "not installed" for a mere source tree."""
    try:
        return version("crossres")
    except PackageNotFoundError:
        return "not installed"
