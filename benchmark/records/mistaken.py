"""What a place is that was taken for a results folder, so that the error can say it."""

from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean
from crossres.datasets.cards import CARDS
from crossres.datasets.readers.parts.listing import EXPORT_LIST
from crossres.methods.interface.method import DESCRIPTION


def no_results(folder: Path) -> InputError:
    """Return the error about a place without records/, which says what it is."""
    return InputError(f"{folder}: {_kind(folder)}; give a folder that `crossres run` has filled")


def _kind(folder: Path) -> str:
    try:
        if folder.is_file():
            return f"{_file(folder)}, not a results folder"
        if not folder.is_dir():
            return f"no results there, for there is no such folder{_near(folder)}"
        return f"no results there (no folder records/): {_folder(folder)}"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _near(folder: Path) -> str:
    """Suggest a results folder beside it."""
    begun = [path for path in folder.parent.glob("*") if (path / "records").is_dir()]
    return did_you_mean(str(folder), sorted(map(str, begun)))


def _file(file: Path) -> str:
    kinds = {".toml": "a TOML file", ".csv": "a CSV file", ".npz": "a file of arrays"}
    if file.suffix == ".json":
        return "a record" if file.parent.name == "records" else "a JSON file, such as a baseline"
    return kinds.get(file.suffix.lower(), "a file")


def _folder(folder: Path) -> str:
    """Say what a folder is, by the names in it."""
    names = {path.name for path in folder.iterdir()}
    raw = [card.id for card in CARDS.values() if card.folder in (folder.name, *names)]
    kinds = {
        "it is empty": not names,
        "it is a part of one, so give the folder around it": (folder.parent / "records").is_dir(),
        "it is a report": "index.html" in names,
        "it holds the weights of a method": DESCRIPTION in names,
        "it is an export of a split": EXPORT_LIST in names,
        f"it holds raw data ({', '.join(raw)})": bool(raw),
        "it is the cache": {"twins", "pixels"} <= names,
        "results lie in the folders below it": any(folder.glob("*/records")),
        "it holds images": any(Path(name).suffix in (".jpg", ".png", ".bmp") for name in names),
    }
    return next((kind for kind, fits in kinds.items() if fits), "it is another kind of folder")
