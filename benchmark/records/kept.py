"""The tables, claims and own data sets that a results folder was made for, kept as plain TOML.

One file holds one table, with its published numbers, so that runs side by side and folders that are
copied together can never mix two of them. docs/adding-a-table.md says what reports make of them.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crossres.benchmark.config.claims import Claim, load_claims
from crossres.benchmark.config.tables import Table, built_in_tables, load_table, table_from
from crossres.benchmark.config.transfers import is_transfer, set_ids, transfer_id
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_if_changed
from crossres.datasets.base.texts import check_name
from crossres.datasets.cards import Card
from crossres.datasets.own.definition import definition_toml, entries_of

TABLES, CLAIMS, DATASETS = "tables", "claims", "datasets"
HEAD = "# Kept by crossres: what this results folder was made for.\n"


def keep_table(results: Path, table: Table) -> None:
    """Write tables/<id>.toml, in place of another table of that id; nothing where it is there.

    The definitions of its own data sets lie in datasets/: they differ where machines do. Raises
    InputError for a table that a file could not hold.
    """
    check_name("the id of a table", table.id)
    for own in table.own:
        keep_definition(results, own)
    path, text = results / TABLES / f"{table.id}.toml", table_toml(table)
    table_from(path, tomllib.loads(text))
    write_if_changed(path, text)


def keep_claims(results: Path, name: str, claims: Sequence[Claim]) -> None:
    """Write claims/<name>.toml likewise; each claim names its table by the id."""
    check_name("the name of a claims file", name)
    entries = [
        asdict(claim)
        | {"table": claim.table.id, "right": claim.rights, "margin": round(100 * claim.margin, 9)}
        for claim in claims
    ]
    for entry in entries:
        del entry["rights"]
    write_if_changed(results / CLAIMS / f"{name}.toml", HEAD + _toml_tables("claims", entries))


def keep_definition(results: Path, own: Card) -> None:
    """Write datasets/<id>.toml, the definition of a user's own data set, with whole paths."""
    write_if_changed(definition_path(results, own.id), HEAD + definition_toml(entries_of(own)))


def definition_path(results: Path, dataset: str) -> Path:
    """Return where a results folder keeps the definition of a user's own data set."""
    return results / DATASETS / f"{dataset}.toml"


def kept_tables(results: Path) -> list[Table]:
    """Return the tables that a results folder keeps, by id.

    Raises InputError naming one that cannot be used.
    """
    try:
        return [load_table(path) for path in sorted((results / TABLES).glob("*.toml"))]
    except InputError as error:
        raise InputError(
            f"{error}; it is kept in a results folder: name another table, or remove it there"
        ) from error


def naming_tables(*results: Path) -> list[Table]:
    """Return the tables by which rows are called: those that the folders keep, then built-in."""
    own_tables = [table for folder in results for table in kept_tables(folder)]
    return [*own_tables, *built_in_tables()]


def claims_of(results: Path) -> tuple[Claim, ...]:
    """Return the claims to evaluate on a results folder: the paper's, then those that it keeps.

    Where it keeps tables, only those of the paper's that are about these.
    """
    tables = kept_tables(results)
    ids = {table.id for table in tables}
    papers = (claim for claim in load_claims() if not ids or claim.table.id in ids)
    paths = sorted((results / CLAIMS).glob("*.toml"))
    return (*papers, *(claim for path in paths for claim in load_claims(path, tables)))


def table_toml(table: Table) -> str:
    """Return the table as a table file; the same table gives the same text."""
    content = _set_entries(asdict(table))
    rows, published = content.pop("rows"), content.pop("published", [])
    oracle, files = content.pop("oracle", None), content.pop("method_files", [])
    own = {card.id: f"../{DATASETS}/{card.id}.toml" for card in table.own}
    content = content | {"datasets": [_renamed(name, own) for name in table.datasets]}
    content.pop("own", None)
    head = _toml_entries(content)
    entries = {
        "rows": [_set_entries(row) for row in rows],
        "published": published,
        "method_files": files,
    }
    text = HEAD + head + "".join(_toml_tables(name, each) for name, each in entries.items())
    return text if oracle is None else f"{text}\n[oracle]\n{_toml_entries(_set_entries(oracle))}"


def _renamed(dataset: str, names: Mapping[str, str]) -> str:
    """Return the name of a data set or transfer with other names of some sets in it."""
    train, test = (names.get(id, id) for id in set_ids(dataset))
    return transfer_id(train, test) if is_transfer(dataset) else test


def _set_entries(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that are set: neither None nor empty."""
    return {
        name: value
        for name, value in entries.items()
        if value is not None and value != () and value != {}
    }


def _toml_tables(name: str, entries: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"\n[[{name}]]\n{_toml_entries(entry)}" for entry in entries)


def _toml_entries(entries: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_toml(value)}\n" for name, value in entries.items())


def _toml(value: Any) -> str:
    """Return a value as TOML; JSON's texts, numbers and booleans are TOML's."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if not isinstance(value, str | int | float):
        raise InputError(f"{value!r} in a table cannot be kept as TOML; give text or a number")
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
