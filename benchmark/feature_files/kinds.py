"""What a file that somebody hands in is, by its first bytes: one that is read here, or another.

Nothing is ever unpickled, and no advice of a library (to allow pickles, say) is passed on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crossres.benchmark.feature_files import numpy_files
from crossres.benchmark.feature_files.stored import Opened
from crossres.datasets.base import kinds
from crossres.datasets.base.errors import InputError

HEAD = 1024
MATLAB_7_3 = b"MATLAB 7.3"
TORCH_BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"

Contents = dict[str, str]
"""Names of arrays -> their shapes and types in words."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: how to tell it, how it is read, and how its owner opens it.

    open: makes a context of the arrays in a file; None for a kind that is not read. contents: what
    it holds, if it is not read. opens: Python that makes `f`, a mapping from names to arrays, of
    the file {path}; "" where a mapping cannot be made of it. advice: what to do with that Python,
    or else.
    """

    name: str
    is_it: Callable[[bytes, Path], bool]
    open: Callable[[Path], Opened] | None = None
    contents: Callable[[Path], Contents] = lambda _: {}
    opens: str = ""
    advice: str = "convert it in Python"


def kind_of(path: Path) -> Kind:
    """Tell what a file or folder is; InputError where it cannot be opened."""
    if path.is_dir():
        return FOLDER
    head = _head(path)
    kind = next(kind for kind in KINDS if kind.is_it(head, path))
    if kind is not TEXT and kind is not OTHER:
        return kind
    known = kinds.kind_of(head)  # an archive of another sort, a web page, a pointer of Git LFS, ...
    return Kind(known.name, kind.is_it, advice=known.remedy) if known.name else kind


def _head(path: Path) -> bytes:
    remedy = "give the file with the features, or a folder of .npy files"
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {remedy}") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be opened'}; {remedy}") from error


# --- files that are read; their modules are loaded when one of them is ----------------------------


def _open_hdf5(path: Path) -> Opened:
    from crossres.benchmark.feature_files.hdf5_files import open_hdf5_arrays

    return open_hdf5_arrays(path, turned=False)


def _open_matlab_7_3(path: Path) -> Opened:
    from crossres.benchmark.feature_files.hdf5_files import open_hdf5_arrays

    return open_hdf5_arrays(path, turned=True)


def _open_matlab(path: Path) -> Opened:
    from crossres.benchmark.feature_files.matlab_files import open_matlab

    return open_matlab(path)


def _open_safetensors(path: Path) -> Opened:
    from crossres.benchmark.feature_files.safetensors_files import open_safetensors

    return open_safetensors(path)


# --- what other files hold ------------------------------------------------------------------------


def _npy_contents(path: Path) -> Contents:
    return {"one array": numpy_files.words_of_file(path)}


def _text_contents(path: Path) -> Contents:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline(HEAD)
    return {f"lines, of which the first is {first.strip()[:60]!r}": ""}


def _pickled_contents(path: Path) -> Contents:
    from crossres.benchmark.feature_files.pickled_names import names_in

    return dict.fromkeys(names_in(path), "")


# --- how to tell them -----------------------------------------------------------------------------


def _is_text(head: bytes, _: Path) -> bool:
    text = head.decode("utf-8", errors="ignore")  # the last character may be cut
    return bool(text) and all(c.isprintable() or c.isspace() for c in text.lstrip("\ufeff"))


def _is_safetensors(head: bytes, path: Path) -> bool:
    length = int.from_bytes(head[:8], "little")
    whole = 8 + length <= path.stat().st_size
    return head[8:9] == b"{" and (whole or path.suffix.lower() == ".safetensors")


def _is_zip(head: bytes, _: Path) -> bool:
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _is_torch(head: bytes, path: Path) -> bool:
    if head.startswith(TORCH_BEFORE_1_6):
        return True
    return _is_zip(head, path) and any(
        name.endswith("/data.pkl") for name in numpy_files.members_of(path)
    )


def _is_npz(head: bytes, path: Path) -> bool:
    if not _is_zip(head, path):
        return False
    names = numpy_files.members_of(path)
    return all(name.endswith(".npy") for name in names) or path.suffix.lower() == ".npz"


def _is_pickle(head: bytes, path: Path) -> bool:
    return head[:1] == b"\x80" or path.suffix.lower() in (".pkl", ".pickle")


FOLDER = Kind(
    "a folder",
    lambda *_: False,  # it has no first bytes
    numpy_files.open_folder,
    opens="import numpy, pathlib; "
    "f = {{p.stem: numpy.load(p, mmap_mode='r') for p in pathlib.Path({path}).glob('*.npy')}}",
)
TEXT = Kind(
    "text",
    _is_text,
    contents=_text_contents,
    opens="import numpy, pandas; f = pandas.read_csv({path})",
)
OTHER = Kind("a file of a kind that is not known here", lambda *_: True)
KINDS = (
    Kind("an empty file", lambda head, _: not head),
    Kind(
        "written by torch.save, which makes Python pickles",
        _is_torch,
        contents=_pickled_contents,
        opens="import numpy, torch; f = torch.load({path}, weights_only=True, map_location='cpu')",
    ),
    Kind(
        "an .npz archive",
        _is_npz,
        numpy_files.open_npz,
        opens="import numpy; f = numpy.load({path})",
    ),
    Kind(
        "a zip archive without arrays",
        _is_zip,
        contents=lambda path: dict.fromkeys(numpy_files.members_of(path), ""),
    ),
    Kind(
        "a single array (.npy)",
        lambda head, _: head.startswith(b"\x93NUMPY"),
        contents=_npy_contents,
        advice="give the folder that it lies in, with a .npy file for each array: qf.npy, gf.npy, "
        "q_pids.npy, ...",
    ),
    Kind(
        "a MATLAB file (7.3)",
        lambda head, _: head.startswith(MATLAB_7_3),
        _open_matlab_7_3,
        opens="import numpy, h5py; "
        "f = {{k: v[()].T for k, v in h5py.File({path}).items() if k[0] != '#'}}",
    ),
    Kind(
        "an HDF5 file",
        lambda head, _: head.startswith(b"\x89HDF"),
        _open_hdf5,
        opens="import numpy, h5py; f = h5py.File({path})",
    ),
    Kind(
        "a MATLAB file (5 to 7)",
        lambda head, path: head.startswith(b"MATLAB") or path.suffix.lower() == ".mat",
        _open_matlab,
        opens="import numpy, scipy.io; f = scipy.io.loadmat({path})",
    ),
    Kind(
        "a safetensors file",
        _is_safetensors,
        _open_safetensors,
        opens="import numpy, safetensors.numpy; f = safetensors.numpy.load_file({path})",
    ),
    Kind(
        "a Python pickle, which is never opened here: it may run any code",
        _is_pickle,
        contents=_pickled_contents,
        opens="import numpy, pickle; f = pickle.load(open({path}, 'rb'))",
        advice="if you trust who wrote it, convert it in Python",
    ),
    TEXT,
    OTHER,
)
