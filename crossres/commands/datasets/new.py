"""`crossres datasets new`."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossres.answer import Answer
from crossres.arguments import command_parser, user_path

if TYPE_CHECKING:
    from crossres.datasets.own.guess import Guess
    from crossres.datasets.own.summary import Summary

SHOWN = 5  # files outside the guess that are printed; --json has them all


def _new(options: argparse.Namespace) -> Answer:
    from crossres.datasets import Source, open_raw
    from crossres.datasets.base.files import write_atomically
    from crossres.datasets.own.definition import card_from
    from crossres.datasets.own.guess import (
        definition_text,
        free_place,
        guessed,
        id_for,
        protocol_for,
        root_for,
    )
    from crossres.datasets.own.summary import summarised
    from crossres.datasets.readers.parts.listing import collecting_strays

    out = free_place(options.out)
    guess = guessed(options.root)
    tried = {"id": id_for(options.root), "root": str(options.root), **guess.entries}
    if "manifest" not in guess.entries:
        tried["protocol"] = "mlr-perid"
    card = card_from(str(options.root), tried, Path())
    with collecting_strays() as stray_files:
        raw = open_raw(card, Source(), Path())
    strays = [path.relative_to(raw.folder).as_posix() for path in stray_files]
    summary = summarised(raw)
    entries = tried | {"root": root_for(options.root, out)}
    entries |= {
        form: root_for(Path(entries[form]), out) for form in ("csv", "manifest") if form in entries
    }
    if "manifest" not in guess.entries:
        entries["protocol"] = protocol_for(raw)
    write_atomically(out, definition_text(entries, guess, summary.images))
    written = {"definition": str(out), "entries": entries, **summary.as_json(), "strays": strays}
    return Answer(written, _lines(out, entries, guess, summary, strays))


def _lines(
    out: Path, entries: dict[str, Any], guess: "Guess", summary: "Summary", strays: Sequence[str]
) -> Iterator[str]:
    (form,) = guess.entries
    facts = {form: entries[form], "example": guess.example, **summary.facts()}
    facts |= {"protocol": entries.get("protocol", "that of the manifest")}
    for name, text in facts.items():
        if text:
            yield f"  {name:13}  {text}"
    if strays:
        yield f"  {'NOT MATCHED':13}  {len(strays):,} images; name them in `ignore`, or correct it"
        for path in strays[:SHOWN]:
            yield f"                   {path}"
    yield f"wrote {out}: is this what you meant? Correct it there, then"
    yield f"  crossres datasets verify {out}"
    yield f"  crossres run table2 --datasets {out}"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    new = command_parser(
        within,
        "new",
        _new,
        "look at a folder of your own crops and write the definition that makes it a data set",
        "crossres datasets new ~/crops --out crops.toml",
    )
    new.add_argument("root", type=user_path, metavar="ROOT", help="the folder with the images")
    new.add_argument(
        "--out",
        type=user_path,
        default=Path("mydata.toml"),
        metavar="FILE.toml",
        help="must not exist yet (default: mydata.toml)",
    )
