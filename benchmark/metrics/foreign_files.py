"""What a file of features is that `evaluate` cannot read, what it holds, and how to convert it.

Nothing is ever unpickled, and no advice of a library (to allow pickles, say) is passed on.
"""

import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from crossres.datasets.base.errors import InputError

# The arrays that `evaluate` wants, and their names in other code bases, in lower case and without
# what joins words.
ALIASES = {
    "query_features": ("queryfeatures", "queryfeature", "queryfeats", "queryfeat", "queryf", "qf"),
    "gallery_features": (
        "galleryfeatures", "galleryfeature", "galleryfeats", "galleryfeat", "galleryf", "gf",
    ),
    "query_pids": ("querypids", "querypid", "querylabels", "querylabel", "queryids", "queryid",
                   "qpids", "qpid", "qids", "qid"),
    "gallery_pids": ("gallerypids", "gallerypid", "gallerylabels", "gallerylabel", "galleryids",
                     "galleryid", "gpids", "gpid", "gids", "gid"),
    "query_camids": ("querycamids", "querycamid", "querycams", "querycam", "qcamids", "qcamid",
                     "qcams", "qcam"),
    "gallery_camids": ("gallerycamids", "gallerycamid", "gallerycams", "gallerycam", "gcamids",
                       "gcamid", "gcams", "gcam"),
}  # fmt: skip
MOST_SHOWN = 12
HEAD = 512
MATLAB_7_3 = b"MATLAB 7.3"
TORCH_BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
# What zipfile, zlib and numpy raise for files that are damaged in one place or another.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)

Contents = dict[str, str]
"""Names of arrays -> their shapes and types in words."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: how to tell it, what arrays it holds, and how its owner opens it.

    `opens` is Python that makes `f`, a mapping from names to arrays, of the file {path}.
    """

    name: str
    is_it: Callable[[bytes, Path], bool]
    contents: Callable[[Path], Contents] = lambda _: {}
    opens: str = ""


def kind_of(path: Path) -> Kind:
    """Tell what a file or folder is; InputError where it cannot be opened."""
    if path.is_dir():
        return FOLDER
    head = _head(path)
    return next(kind for kind in KINDS if kind.is_it(head, path))


def _head(path: Path) -> bytes:
    remedy = "give the .npz with the features, or a folder of .npy files"
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {remedy}") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be opened'}; {remedy}") from error


def foreign(path: Path, kind: Kind) -> InputError:
    """Return the error about a file that is of another kind than an .npz."""
    contents = safely(kind.contents, path)
    holds = f"; holds {_listed(contents)}" if contents else ""
    return InputError(f"{path}: {kind.name}, not an .npz{holds}; {_remedy(path, kind, contents)}")


def lacking(path: Path, kind: Kind, missing: list[str]) -> InputError:
    """Return the error about an .npz or a folder that lacks arrays."""
    contents = safely(kind.contents, path)
    holds = f"holds {_listed(contents)}" if contents else "holds no array"
    verb = "is" if len(missing) == 1 else "are"
    thing = "folder" if kind is FOLDER else "file"
    return InputError(
        f"{path}: {', '.join(missing)} {verb} missing; the {thing} {holds}; "
        f"{_remedy(path, kind, contents)}"
    )


def safely(read: Callable[[Path], Contents], path: Path) -> Contents:
    """Read what the file holds; nothing where it is damaged, for it is refused in any case."""
    try:
        return read(path)
    except Exception:  # each reader raises errors of its own
        return {}


def _listed(contents: Contents) -> str:
    items = list(contents.items())[:MOST_SHOWN]
    more = len(contents) - len(items)
    names = ", ".join(f"{name} {kind}".strip() for name, kind in items)
    return names + (f" and {more} more" if more else "")


def _remedy(path: Path, kind: Kind, contents: Contents) -> str:
    """Say how to convert the file: in Python, with its own names as far as these are known."""
    saved = ", ".join(f"{name}={_expression(name, contents)}" for name in ALIASES)
    saves = f"numpy.savez('features.npz', {saved})"
    if not kind.opens:
        return f"in the program that wrote it, save arrays with {saves}"
    return f"convert it in Python: {kind.opens.format(path=repr(str(path)))}; {saves}"


def _expression(name: str, contents: Contents) -> str:
    """Return the Python that gets from `f` what is called `name` here; dots if that is unknown."""
    plain = {"".join(filter(str.isalnum, array.lower())): array for array in contents}
    names = [plain[alias] for alias in ALIASES[name] if alias in plain]
    return f"f[{names[0]!r}]" if names else "..."


# --- what a file holds ----------------------------------------------------------------------------


def _members(path: Path) -> list[str]:
    """Return the names in a zip archive, none where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except DAMAGE:
        return []


def npz_contents(path: Path) -> Contents:
    """Read the headers of the arrays of an .npz."""
    contents = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                contents[name.removesuffix(".npy")] = _npy_header(member)
    return contents


def npy_files(folder: Path) -> list[Path]:
    """List the arrays of a folder; InputError where it cannot be read."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".npy" and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; give a folder that can be read") from error


def _folder_contents(folder: Path) -> Contents:
    contents = {}
    for file in npy_files(folder):
        contents[file.stem] = safely(npy_contents, file).get("one array", "")
    return contents


def npy_contents(path: Path) -> Contents:
    """Read the header of a single array."""
    with path.open("rb") as file:
        return {"one array": _npy_header(file)}


def _npy_header(stream: IO[bytes]) -> str:
    shape, _, kind = array_header(stream)
    return f"{shape} {kind.name}"


def array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, whether columns come first (Fortran order), and type; no pickle is opened."""
    old = np.lib.format.read_magic(stream) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    return read(stream)


def _mat_contents(path: Path) -> Contents:
    from scipy.io import whosmat

    return {name: f"{shape} {kind}" for name, shape, kind in whosmat(path)}


def _hdf5_contents(path: Path) -> Contents:
    import h5py

    contents: Contents = {}
    matlab = _head(path).startswith(MATLAB_7_3)  # which turns every array over

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            contents[name] = f"{item.shape[:: -1 if matlab else 1]} {item.dtype}"

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return contents


def _safetensors_contents(path: Path) -> Contents:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    arrays = {name: array for name, array in header.items() if name != "__metadata__"}
    return {n: f"({', '.join(map(str, a['shape']))}) {a['dtype']}" for n, a in arrays.items()}


def _text_contents(path: Path) -> Contents:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline(HEAD)
    return {f"lines, of which the first is {first.strip()[:60]!r}": ""}


def _is_text(head: bytes, _: Path) -> bool:
    text = head.decode("utf-8", errors="ignore")  # the last character may be cut
    return bool(text) and all(c.isprintable() or c.isspace() for c in text.lstrip("\ufeff"))


def _is_safetensors(head: bytes, path: Path) -> bool:
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 8 + length <= path.stat().st_size


def _is_zip(head: bytes, _: Path) -> bool:
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _is_torch(head: bytes, path: Path) -> bool:
    zipped = _is_zip(head, path) and any(n.endswith("/data.pkl") for n in _members(path))
    return zipped or head.startswith(TORCH_BEFORE_1_6)


def _is_npz(head: bytes, path: Path) -> bool:
    names = _members(path) if _is_zip(head, path) else ["no archive"]
    return all(name.endswith(".npy") for name in names) or (
        path.suffix.lower() == ".npz" and _is_zip(head, path)
    )


def _is_pickle(head: bytes, path: Path) -> bool:
    return head[:1] == b"\x80" or path.suffix.lower() in (".pkl", ".pickle")


NPZ = Kind("a NumPy archive", _is_npz, npz_contents, "import numpy; f = numpy.load({path})")
FOLDER = Kind(
    "a folder",
    lambda *_: False,  # it has no first bytes
    _folder_contents,
    "import numpy, pathlib; "
    "f = {{p.stem: numpy.load(p, mmap_mode='r') for p in pathlib.Path({path}).glob('*.npy')}}",
)
KINDS = (
    Kind("an empty file", lambda head, _: not head),
    Kind(
        "written by torch.save, which makes Python pickles",
        _is_torch,
        opens="import numpy, torch; f = torch.load({path}, weights_only=True, map_location='cpu')",
    ),
    NPZ,
    Kind("a zip archive without arrays", _is_zip, lambda path: dict.fromkeys(_members(path), "")),
    Kind(
        "a single array (.npy)",
        lambda head, _: head.startswith(b"\x93NUMPY"),
        npy_contents,
        "import numpy; f = numpy.load({path})",
    ),
    Kind(
        "a MATLAB file (7.3)",
        lambda head, _: head.startswith(MATLAB_7_3),
        _hdf5_contents,
        "import numpy, h5py; f = {{k: v[()].T for k, v in h5py.File({path}).items()}}",
    ),
    Kind(
        "an HDF5 file",
        lambda head, _: head.startswith(b"\x89HDF"),
        _hdf5_contents,
        "import numpy, h5py; f = h5py.File({path})",
    ),
    Kind(
        "a MATLAB file",
        lambda head, path: head.startswith(b"MATLAB") or path.suffix.lower() == ".mat",
        _mat_contents,
        "import numpy, scipy.io; f = scipy.io.loadmat({path})",
    ),
    Kind("a Python pickle, which is never opened here: it may run any code", _is_pickle),
    Kind(
        "a safetensors file",
        _is_safetensors,
        _safetensors_contents,
        "import numpy, safetensors.numpy; f = safetensors.numpy.load_file({path})",
    ),
    Kind("text", _is_text, _text_contents, "import numpy, pandas; f = pandas.read_csv({path})"),
    Kind("a file of a kind that is not known here", lambda *_: True),
)
