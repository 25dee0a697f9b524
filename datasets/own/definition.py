"""The definition of a user's own data set: a TOML file, read to a card.

The card holds all of it, so that cells, reports and other machines need no file; docs/own-data.md
says what each entry means.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from crossres.datasets.base.arguments import as_path
from crossres.datasets.base.build import checked
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import user_path
from crossres.datasets.base.suggest import unknown
from crossres.datasets.base.texts import check_name, read_toml
from crossres.datasets.cards import BY_SIZE, CARDS, OWN_READER, Card, Layout
from crossres.datasets.protocols import canonical_text
from crossres.datasets.readers.own import GROUPS
from crossres.datasets.splits.manifest import DEFAULT_GRID, DEFAULT_KERNEL, Manifest
from crossres.datasets.splits.spec import Spec

SUFFIX = ".toml"
NOUN = "data set"
FORMS = ("pattern", "folders", "csv", "manifest")
ENTRIES: dict[str, Any] = {
    **dict.fromkeys(("id", "root", "pattern", "csv", "manifest", "protocol", "ignore"), str),
    **dict.fromkeys(("folders", "lr_cameras"), list),
    "natively_lr": list | str,
    "subject": Literal["person", "vehicle"],
}
REQUIRED = ("id", "root")
GIVEN = "given"
_LEVELS = ("pid", "camid", "view", "split", "")


def is_definition(name: object) -> bool:
    """Return whether a data set is named by the path of a definition."""
    return str(name).casefold().endswith(SUFFIX)


def own_set(path: Path | str) -> Card:
    """Return the card of the user's own data set that a TOML file defines.

    No image is looked at. Raises InputError naming the file, the entry and what helps.
    """
    path = as_path(path, NOUN)
    return card_from(f"{path}", read_toml(path, NOUN), path.parent)


def is_taken(name: str) -> bool:
    """Return whether a data set of crossres has this id or title, in upper or lower case."""
    taken = {text.casefold() for card in CARDS.values() for text in (card.id, card.title)}
    return name.casefold() in taken


def named_set(name: Any) -> Any:
    """Return the card of a name that is the path of a definition; any other name as it is."""
    is_path = isinstance(name, str | Path) and is_definition(name)
    return own_set(name) if is_path else name


def card_from(where: str, content: Any, folder: Path) -> Card:
    """Return the card of the entries of a definition; paths are relative to `folder`.

    Raises InputError beginning with `where`, as `own_set`.
    """
    values = checked(where, content, ENTRIES, REQUIRED)
    _check_id(where, values["id"])
    form = _form(where, values)
    layout = layout_from(where, values, folder)
    protocol = values.get("protocol")
    if form == "manifest":
        protocol = _of_manifest(where, layout, protocol)
    if protocol is None:
        raise InputError(
            f'{where} lacks the entry protocol; add, say, protocol = "mlr-perid", or, for a set '
            'without cameras, protocol = "mlr-uniform"'
        )
    card = Card(
        id=values["id"],
        title=values["id"],
        reader=OWN_READER,
        folder=_whole(where, "root", values["root"], folder),
        protocol=protocol,
        layout=_form_words(layout),
        obtain="",
        licence="your own data",
        images=0,
        identities=0,
        cameras=0,
        subject=values.get("subject", "person"),
        own=layout,
    )
    try:
        return replace(card, protocol=canonical_text(card, protocol))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def entries_of(card: Card) -> dict[str, Any]:
    """Return the entries of the definition of a card, with whole paths: `card_from` takes them."""
    layout = card.own or Layout()
    lists = layout.lr_cameras, layout.folders
    values: dict[str, Any] = {
        "id": card.id,
        "root": card.folder,
        "pattern": layout.pattern,
        "folders": [*lists[1]],
        "csv": layout.list_file,
        "protocol": card.protocol,
        "ignore": layout.ignore,
        "lr_cameras": [*lists[0]],
        "natively_lr": BY_SIZE[0] if layout.natively_lr == BY_SIZE else [*layout.natively_lr],
        "subject": card.subject,
    }
    return {name: value for name, value in values.items() if value not in ("", [])}


def definition_toml(entries: Mapping[str, Any]) -> str:
    """Return the entries of a definition as TOML."""
    return "".join(f"{name} = {toml_value(value)}\n" for name, value in entries.items())


def toml_value(value: str | list[str]) -> str:
    """Return text, or a list of texts, as TOML; a regular expression as people write one."""
    if isinstance(value, str) and "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_id(where: str, name: str) -> None:
    check_name(f"{where}: id", name)
    if is_taken(name):
        raise InputError(
            f"{where}: id {name!r} is a data set of crossres; give yours another, so that nobody "
            "takes its numbers for those of that set"
        )


def _form(where: str, values: Mapping[str, Any]) -> str:
    forms = [name for name in FORMS if name in values]
    if len(forms) != 1:
        has = " and ".join(forms) or "none of them"
        raise InputError(
            f"{where}: needs one of {', '.join(FORMS)}, which say what the images are called; it "
            f"has {has}"
        )
    return forms[0]


def layout_from(
    where: str, values: Mapping[str, Any], folder: Path, groups: Sequence[str] = GROUPS
) -> Layout:
    """Return what entries say of how a folder is read; `groups` are those a pattern may have.

    Raises InputError beginning with `where`, as `own_set`.
    """
    natively_lr = values.get("natively_lr", [])
    if isinstance(natively_lr, str):
        if natively_lr != BY_SIZE[0]:
            raise InputError(
                f'{where}: natively_lr must be "{BY_SIZE[0]}" or a list of cameras, not '
                f"{natively_lr!r}"
            )
        natively_lr = [natively_lr]
    if natively_lr and values.get("lr_cameras"):
        raise InputError(
            f"{where}: lr_cameras are down-sampled, natively_lr images are not; leave one out"
        )
    list_file = values.get("csv", values.get("manifest", ""))
    if list_file and values.get("ignore"):
        raise InputError(f"{where}: ignore is for names; take the lines out of the list instead")
    return Layout(
        pattern=_pattern(where, "pattern", values, groups),
        folders=_folders(where, values),
        list_file=_whole(where, "csv", list_file, folder) if list_file else "",
        ignore=_pattern(where, "ignore", values, ()),
        lr_cameras=_cameras(where, "lr_cameras", values.get("lr_cameras", [])),
        natively_lr=_cameras(where, "natively_lr", natively_lr),
        definition=where,
    )


def _form_words(layout: Layout) -> str:
    forms: dict[str, str | list[str]] = {
        "pattern": layout.pattern,
        "folders": [*layout.folders],
        "list": layout.list_file,
    }
    return next(f"{name} {toml_value(value)}" for name, value in forms.items() if value)


def _pattern(where: str, name: str, values: Mapping[str, Any], known: Sequence[str]) -> str:
    text: str = values.get(name, "")
    try:
        groups = re.compile(text).groupindex
    except re.error as error:
        raise InputError(
            f"{where}: {name} is no regular expression: {error}; groups are written (?P<pid>...)"
        ) from error
    if name != "pattern" or name not in values:
        return text
    for group in groups:
        if group not in known:
            raise unknown("group", group, known, f"{where}: pattern")
    if "pid" not in groups:
        raise InputError(
            f"{where}: pattern has no group pid, which tells the identities; put (?P<pid>...) "
            "around that part of the name"
        )
    return text


def _folders(where: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    levels = values.get("folders", [])
    if "folders" not in values:
        return ()
    for level in levels:
        if level not in _LEVELS:
            raise unknown("level", level, _LEVELS, f"{where}: folders")
    if levels.count("pid") != 1 or any(levels.count(name) > 1 for name in _LEVELS if name):
        raise InputError(
            f'{where}: folders must name "pid" and each other level once, as ["camid", "pid"], not '
            f"{levels}"
        )
    return tuple(levels)


def _cameras(where: str, name: str, cameras: list[Any]) -> tuple[str, ...]:
    """Return the names of cameras; a number stands for its digits."""
    for camera in cameras:
        if isinstance(camera, bool) or not isinstance(camera, str | int):
            raise InputError(f"{where}: {name} is a list of cameras, not of {camera!r}")
    return tuple(map(str, cameras))


def _whole(where: str, name: str, path: str, folder: Path) -> str:
    if not path or "\0" in path:
        raise InputError(f"{where}: {name} must be a path, not {path!r}")
    return os.path.abspath(folder / user_path(path))  # noqa: PTH100 - links stay as they are


def _of_manifest(where: str, layout: Layout, protocol: str | None) -> str:
    """Return the protocol that takes a manifest as it is, with the kernel and grid of its own."""
    if protocol is not None:
        raise InputError(f"{where}: a manifest has a protocol; take the entry protocol out")
    manifest = Manifest.read(layout.list_file)
    options = {"kernel": manifest.kernel, "grid": manifest.grid}
    defaults = {"kernel": DEFAULT_KERNEL, "grid": DEFAULT_GRID}
    return str(Spec(GIVEN, {k: v for k, v in options.items() if v != defaults[k]}))
