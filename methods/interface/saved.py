"""Loading a trained method from the folder that `Method.save` wrote, and from it alone."""

from pathlib import Path
from typing import Any

from crossres.datasets.base.arguments import as_path, as_text
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method import DESCRIPTION, Method, read_description
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import is_method, method_class

SIDES = range(8, 4097)  # a profile's least height and width, and the largest image that is read


def load_method(folder: Path | str, device: str = "cpu") -> Method:
    """Load the trained method of a folder onto a device ("cpu", "cuda", "auto"), ready to embed.

    Nothing is unpickled. Raises InputError for a folder that `Method.save` did not write, damaged
    or foreign weights, a method that is not installed here, or a device that is not there.
    """
    folder, device = as_path(folder, "folder"), as_text(device, "device")
    description = read_description(folder)
    name = description["method"]
    if not is_method(name):
        raise InputError(
            f"{folder / DESCRIPTION}: there is no method {name!r} here; install its package, or, "
            "where it is in a file, name that: --method FILE.py:Class on the command line, or "
            "crossres.register_method in Python"
        )
    cls, profile = method_class(name), _profile(folder, description["profile"], device)
    try:
        method = cls(profile, **description["options"])
    except InputError as error:
        raise InputError(f"{folder / DESCRIPTION}: {error}") from error
    method.load(folder)
    return method


def _profile(folder: Path, saved: dict[str, Any], device: str) -> Profile:
    for side in ("height", "width"):
        if type(saved[side]) is not int or saved[side] not in SIDES:
            raise InputError(
                f"{folder / DESCRIPTION}: {side} {saved[side]!r} is not 8 to 4096 pixels"
            )
    for table in ("backbone", "train"):
        if not isinstance(saved[table], dict):
            raise InputError(f"{folder / DESCRIPTION}: {table} is not as it was written")
    return Profile(**saved, device=device)
