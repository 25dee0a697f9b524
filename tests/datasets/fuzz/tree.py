"""Mutations of files and folders; each returns its effect, or None where it does not apply."""

import os
import pickle
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from case import Case, Effect, Kind, Mutation, head, replace
from pictures import odd_pictures

JUNK = ("Thumbs.db", "thumbs.DB", ".DS_Store", "._0001001.jpg", "desktop.ini", ".x", "README.md")
JUNK_FOLDERS = ("__MACOSX", ".git", "CAVIARb", ".ipynb_checkpoints")
HUGE = 1 << 36
_LIKE_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")


def _strange_name(case: Case, name: str) -> bytes:
    """A name for a file that was called `name`."""
    stem, dot, suffix = name.rpartition(".")
    digit = str(case.dice.below(10))
    at = case.dice.below(len(stem) or 1)
    names: list[str | bytes] = [
        stem[:at] + digit + stem[at + 1 :] + dot + suffix,
        stem[:at] + stem[at + 1 :] + dot + suffix,
        stem + digit + dot + suffix,
        stem.translate(_LIKE_DIGITS) + dot + suffix,
        stem + "\u0661" + dot + suffix,
        stem + "\n" + dot + suffix,
        "\r\n" + name,
        name + " ",
        name + "\u200b",
        stem + '","\'' + dot + suffix,
        stem + "\\" + dot + suffix,
        "é" + name,
        "e\u0301" + name,
        "\x1b[31m" + name,
        "-rf " + name,
        name + "." + suffix,
        stem + " (1)." + suffix,
        stem + ".jpeg",
        stem,
        "x" * (250 - len(suffix)) + dot + suffix,
        "1" * (250 - len(suffix)) + dot + suffix,
        os.fsencode(stem) + b"\xff\xfe." + os.fsencode(suffix),
        b"\x80" + os.fsencode(name),
        name.upper(),
        name.swapcase(),
        stem + dot + suffix.upper(),
    ]
    return os.fsencode(case.dice.pick(names))


def _free(path: Path) -> bool:
    return not os.path.lexists(path)  # links, too


def _file(case: Case) -> Path | None:
    files = [file for file in case.files() if file.is_file() and not file.is_symlink()]
    files = [file for file in files if file.name.casefold() != "crossres-twin.json"]
    return case.dice.pick(files) if files else None


def _below(folder: Path, name: bytes) -> Path:
    return folder / os.fsdecode(name)


# --- what must change nothing ---------------------------------------------------------------------


def junk_file(case: Case) -> tuple[Kind, Path] | None:
    path = case.dice.pick(case.folders()) / case.dice.pick(JUNK)
    if not _free(path):
        return None
    path.write_bytes(case.dice.bytes(50))
    return Kind.HARMLESS, path


def junk_folder(case: Case) -> tuple[Kind, Path] | None:
    path = case.dice.pick(case.folders()) / case.dice.pick(JUNK_FOLDERS)
    source = _file(case)
    if not _free(path) or source is None:
        return None
    path.mkdir()
    os.link(source, path / source.name)
    (path / "fifo.jpg").write_bytes(b"")
    return Kind.HARMLESS, path


def foreign_things_beside(case: Case) -> tuple[Kind, Path] | None:
    path = _below(case.inner, _strange_name(case, "0001001.txt"))
    if not _free(path):
        return None
    if case.dice.below(2):
        path.write_bytes(case.dice.bytes(99))
    else:
        path.mkdir()
        (path / "picture.jpg").write_bytes(b"")
        (path / "loop").symlink_to(path)
    return Kind.HARMLESS, path


def linked_file(case: Case) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None:
        return None
    target = case.home / "elsewhere" / str(len(case.effects))
    file.rename(target)
    file.symlink_to(target)
    return Kind.HARMLESS, file


def linked_folder(case: Case) -> tuple[Kind, Path] | None:
    folder = case.dice.pick(case.folders())
    if folder.is_symlink():
        return None
    target = case.home / "elsewhere" / f"folder{len(case.effects)}"
    folder.rename(target)
    folder.symlink_to(target)
    return Kind.HARMLESS, folder


def other_folder_name(case: Case) -> tuple[Kind, Path] | None:
    path = _below(case.inner, _strange_name(case, "my copy.v1"))
    if not _free(path) or path.name.startswith("."):
        return None
    case.folder.rename(path)
    case.folder = path
    return Kind.HARMLESS, path


def one_level_deeper(case: Case) -> tuple[Kind, Path] | None:
    if case.folder.parent != case.inner or case.copied:
        return None
    deeper = case.inner / "unpacked here"
    if not _free(deeper):
        return None
    deeper.mkdir()
    case.folder.rename(deeper / case.folder.name)
    case.folder = deeper / case.folder.name
    return Kind.HARMLESS, deeper


def good_marker(case: Case) -> tuple[Kind, Path] | None:
    path = case.folder / case.dice.pick(("crossres-twin.json", "CROSSRES-TWIN.JSON"))
    if not _free(path):
        return None
    path.write_text('{"twin": "x", "size": "tiny", "version": 3}')
    return Kind.HARMLESS, path


# --- what the names decide ------------------------------------------------------------------------


def renamed(case: Case) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None:
        return None
    path = _below(file.parent, _strange_name(case, file.name))
    if not _free(path):
        return None
    file.rename(path)
    return Kind.NAMES, path


def renamed_folder(case: Case) -> tuple[Kind, Path] | None:
    folder = case.dice.pick(case.folders())
    path = _below(folder.parent, _strange_name(case, folder.name))
    if folder == case.folder or not _free(path):
        return None
    folder.rename(path)
    return Kind.NAMES, path


def moved(case: Case) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None:
        return None
    path = case.dice.pick(case.folders()) / file.name
    if not _free(path):
        return None
    file.rename(path)
    return Kind.NAMES, path


def removed(case: Case) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None:
        return None
    file.unlink()
    return Kind.NAMES, file


def removed_folder(case: Case) -> tuple[Kind, Path] | None:
    folder = case.dice.pick(case.folders())
    if folder == case.folder or folder.is_symlink():
        return None
    shutil.rmtree(folder)
    return Kind.NAMES, folder


def duplicated(case: Case) -> tuple[Kind, Path] | None:
    file, second = _file(case), _file(case)
    if file is None or second is None:
        return None
    names = [
        os.fsencode(file.stem + file.suffix.swapcase()),
        os.fsencode(file.stem + ".png"),
        os.fsencode(second.name),
        _strange_name(case, file.name),
    ]
    path = _below(file.parent, case.dice.pick(names))
    if not _free(path):
        return None
    os.link(file, path)
    return Kind.NAMES, path


def foreign_file(case: Case) -> tuple[Kind, Path] | None:
    names = ["0001001.jpg", "notes.txt", "000_45.bmp", "list.pkl", "a.mat", "set.zip"]
    path = _below(case.dice.pick(case.folders()), _strange_name(case, case.dice.pick(names)))
    if not _free(path):
        return None
    path.write_bytes(case.dice.bytes(200))
    return Kind.NAMES, path


def foreign_folder(case: Case) -> tuple[Kind, Path] | None:
    names = ["cam_a.1", "cam3.0", "0001.0", "query.old"]
    path = _below(case.dice.pick(case.folders()), _strange_name(case, case.dice.pick(names)))
    if not _free(path):
        return None
    path.mkdir()
    (path / "0001001.jpg").write_bytes(b"")
    return Kind.NAMES, path


def no_regular_file(case: Case) -> tuple[Kind, Path] | None:
    """A pipe, socket, device, folder, dangling link or loop in place of a file."""
    file = _file(case)
    if file is None:
        return None
    file.unlink()
    choice = case.dice.below(7)
    if choice == 0:
        os.mkfifo(file)
    elif choice == 1:
        _socket(file)
    elif choice == 2:
        _device(file)
    elif choice == 3:
        file.mkdir()
    elif choice == 4:
        file.symlink_to(file.name)
    elif choice == 5:
        file.symlink_to(case.home / "nothing")
    else:
        file.symlink_to("/dev/zero")
    return Kind.NAMES, file


def _socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as endpoint:
        try:
            endpoint.bind(os.fsencode(file))
        except OSError:  # its name is too long for a socket
            os.mkfifo(file)


def _device(file: Path) -> None:
    try:
        os.mknod(file, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:  # only root may
        file.symlink_to("/dev/zero")


def file_as_folder(case: Case) -> tuple[Kind, Path] | None:
    folder = case.dice.pick(case.folders())
    if folder == case.folder or folder.is_symlink():
        return None
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    return Kind.NAMES, folder


def loop_of_folders(case: Case) -> tuple[Kind, Path] | None:
    folder = case.dice.pick(case.folders())
    path = folder / case.dice.pick(("loop", "cam1", "0001", ".loop"))
    if not _free(path):
        return None
    path.symlink_to(case.dice.pick((".", "..", "loop", str(case.home / "top"))))
    return Kind.NAMES, path


def copy_beside(case: Case) -> tuple[Kind, Path] | None:
    path = case.inner / case.dice.pick(("copy", "Copy of it", "b"))
    if not _free(path) or case.folder.parent != case.inner or case.folder.is_symlink():
        return None
    shutil.copytree(case.folder, path, symlinks=True, copy_function=os.link)
    case.copied = True
    return Kind.ANY, path


def copy_inside(case: Case) -> tuple[Kind, Path] | None:
    path = case.folder / case.folder.name
    if not _free(path) or case.folder.is_symlink():
        return None
    aside = case.home / "elsewhere" / "copy"
    shutil.copytree(case.folder, aside, symlinks=True, copy_function=os.link)
    aside.rename(path)
    case.copied = True
    return Kind.ANY, path


# --- what the content decides ---------------------------------------------------------------------


def _content(case: Case, kind: Kind, change: Callable[[bytes], bytes]) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None:
        return None
    replace(file, change(head(file)))
    return kind, file


def truncated(case: Case) -> tuple[Kind, Path] | None:
    return _content(
        case, Kind.PIXELS, lambda content: content[: case.dice.below(len(content) or 1)]
    )


def emptied(case: Case) -> tuple[Kind, Path] | None:
    return _content(case, Kind.BROKEN, lambda _: b"")


def flipped(case: Case) -> tuple[Kind, Path] | None:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        for _ in range(case.dice.pick((1, 1, 3, 30)) if content else 0):
            near_the_start = case.dice.below(2) and len(changed) > 64
            at = case.dice.below(64 if near_the_start else len(changed))
            changed[at] ^= 1 << case.dice.below(8)
        return bytes(changed)

    return _content(case, Kind.PIXELS, flip)


def garbage(case: Case) -> tuple[Kind, Path] | None:
    return _content(case, Kind.BROKEN, lambda _: case.dice.bytes(case.dice.below(3000)))


def huge(case: Case) -> tuple[Kind, Path] | None:
    """A sparse file of 64 GiB, whose beginning may be an image."""
    effect = _content(case, Kind.BROKEN, lambda content: content if case.dice.below(2) else b"")
    if effect is None:
        return None
    os.truncate(effect[1], HUGE)
    # HDF5 reads what lies before the end that the file itself names.
    return (Kind.ANY, effect[1]) if effect[1].suffix == ".mat" else effect


def odd_picture(case: Case) -> tuple[Kind, Path] | None:
    _, refused, content = case.dice.pick(odd_pictures())
    return _content(case, Kind.BROKEN if refused else Kind.PIXELS, lambda _: content)


class _Bomb:
    """Pickled, it leaves a trace when somebody unpickles it."""

    def __init__(self, trace: Path) -> None:
        self.trace = str(trace)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (self.trace,)


def pickled(case: Case) -> tuple[Kind, Path] | None:
    content = pickle.dumps(_Bomb(case.home / "unpickled"))
    return _content(case, Kind.BROKEN, lambda _: content)


def text_file(case: Case) -> tuple[Kind, Path] | None:
    """CRLF, BOM, other encodings and garbage in a list or read-me."""
    texts = [file for file in case.files() if file.suffix in (".txt", ".csv") and file.is_file()]
    if not texts:
        return None
    file = case.dice.pick(texts)
    content = head(file)
    changed = [
        content.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + content,
        content + b"\n\n \n",
        content.decode("latin-1").encode("utf-16"),
        b"\xff\xfe\xfd" + content,
        content + b"\0\0\0",
        content + b"../../secret/secret.jpg 1\n",
        content + b"9" * 5000 + b" 1\n",
        content + b"1 " + b"9" * 5000 + b"\n",
        content + content,
        content[: len(content) // 2],
        b"",
    ]
    replace(file, case.dice.pick(changed))
    return Kind.HARMLESS if file.name.casefold().startswith("readme") else Kind.ANY, file


def bad_marker(case: Case) -> tuple[Kind, Path] | None:
    path = case.folder / case.dice.pick(("crossres-twin.json", "Crossres-Twin.json"))
    if not _free(path):
        return None
    contents = [
        b"",
        b"{}",
        b"[]",
        b"[" * 3000,
        b'{"size": "a\\nb", "version": 1}',
        b'{"size": "tiny", "version": 1e999}',
        b'{"size": "tiny", "version": NaN}',
        b'{"size": "tiny", "version": true}',
        b'{"size": ["tiny"], "version": 1}',
        b'{"size": "tiny", "version": ' + b"9" * 4000 + b"}",
        b'{"size": "' + b"x" * 9000 + b'", "version": 1}',
        b"\xff\xfe\x00",
    ]
    choice = case.dice.below(len(contents) + 3)
    if choice < len(contents):
        path.write_bytes(contents[choice])
    elif choice == len(contents):
        os.mkfifo(path)
    elif choice == len(contents) + 1:
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, HUGE)
    return Kind.REFUSED, path


MUTATIONS: list[Mutation] = [
    junk_file,
    junk_folder,
    foreign_things_beside,
    linked_file,
    linked_folder,
    other_folder_name,
    one_level_deeper,
    good_marker,
    renamed,
    renamed,
    renamed_folder,
    moved,
    removed,
    removed_folder,
    duplicated,
    duplicated,
    foreign_file,
    foreign_folder,
    no_regular_file,
    no_regular_file,
    file_as_folder,
    loop_of_folders,
    copy_beside,
    copy_inside,
    truncated,
    emptied,
    flipped,
    garbage,
    huge,
    odd_picture,
    odd_picture,
    odd_picture,
    pickled,
    text_file,
    bad_marker,
]


def mutate(case: Case, mutations: list[Mutation]) -> None:
    """Make one mutation and note its effect; nothing where the drawn one does not apply."""
    mutation = case.dice.pick(mutations)
    effect = mutation(case)
    if effect is not None:
        case.effects.append(Effect(mutation.__name__, *effect))
