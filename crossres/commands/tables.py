"""`crossres tables ...`."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_group, command_parser
from crossres.wrapping import wrapped

OWN = "a table of your own is a TOML file: docs/adding-a-table.md"


def _tables_list(_: argparse.Namespace) -> Answer:
    from crossres.benchmark.config.tables import built_in_tables
    from crossres.benchmark.runs.outline import outline

    tables = [(table, outline(table)) for table in built_in_tables()]
    content = [
        {
            "id": table.id,
            "title": table.title,
            "rows": len(table.rows),
            "datasets": list(table.datasets),
            "seeds": list(table.seeds),
            "profile": table.profile,
            "cells": of.cells,
            "oracle_cells": of.oracle_cells,
            "seconds": of.seconds,
        }
        for table, of in tables
    ]
    return Answer({"tables": content}, _list_lines(tables))


def _list_lines(tables: Any) -> Iterator[str]:
    from crossres.datasets.base.progress import duration

    width = max(len(table.id) for table, _ in tables)
    yield f"{'NAME':{width}}  {'CELLS':8}  {'TIME':>7}  TITLE"
    for table, of in tables:
        oracle = f" + {of.oracle_cells}" if of.oracle_cells else ""
        cells = f"{of.cells:3}{oracle}"
        first = f"{table.id:{width}}  {cells:8}  {duration(of.seconds):>7}  "
        yield from wrapped(table.title, first, " " * len(first))
    yield from wrapped(
        "time: (hours:)minutes:seconds on twins, with the profile of each table and "
        f"{tables[0][1].jobs} workers; +: of the oracle, at most (natively LR sets have none); "
        f"{OWN}"
    )


def _tables_show(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.config.tables import load_table
    from crossres.benchmark.runs.outline import outline

    table = load_table(options.table)
    of, claims = outline(table, options.profile), _claims(table)
    return Answer(_show_json(table, of, claims), _show_lines(table, of, claims))


def _claims(table: Any) -> list[Any]:
    """Return the built-in claims about a table."""
    from crossres.benchmark.config.claims import load_claims

    return [
        claim for name in ("", "ablations") for claim in load_claims(name) if claim.table == table
    ]


def _show_json(table: Any, of: Any, claims: Any) -> dict[str, Any]:
    from crossres.benchmark.config.post_processing import in_words

    return {
        "id": table.id,
        "title": table.title,
        "caption": table.caption,
        "gallery": table.gallery,
        "metrics": list(table.metrics),
        "seeds": list(table.seeds),
        "profile": of.profile,
        "protocols": list(table.protocols),
        "reference": table.reference,
        "datasets": [
            {
                "id": sets.id,
                "title": " → ".join(card.title for card in reversed(sets.cards)),
                "protocol": sets.tested.protocol,
                "own": any(card.own is not None for card in sets.cards),
            }
            for sets in map(table.sets, table.datasets)
        ],
        "rows": [
            {
                "label": row.label,
                "method": row.method,
                "options": dict(row.options),
                "protocol": row.protocol,
                "twin_protocol": row.twin_protocol,
                "post_processing": in_words(row.post_processing),
                "oracle": row == table.oracle,
            }
            for row in table.lines
        ],
        "published": len(table.published),
        "claims": [{"id": c.id, "text": c.text, "section": c.section} for c in claims],
        "cells": of.cells,
        "oracle_cells": of.oracle_cells,
        "jobs": of.jobs,
        "seconds": of.seconds,
    }


def _show_lines(table: Any, of: Any, claims: Any) -> Iterator[str]:
    from crossres.datasets.base.progress import duration
    from crossres.datasets.base.words import counted

    yield f"{table.id}: {table.title}"
    if table.caption:
        yield from wrapped(table.caption, "  ")
    yield ""
    oracle = f", and up to {of.oracle_cells} of the oracle" if of.oracle_cells else ""
    published = counted(len(table.published), "published number")
    facts = {
        "columns": ", ".join(_column(table, name) for name in table.datasets),
        "protocols": ", ".join(table.protocols),
        "metrics": f"{', '.join(table.metrics)} ({_gallery(table.gallery)})",
        "seeds": ", ".join(map(str, table.seeds)),
        "reference": table.reference or "",
        "published": published if table.published else "nothing",
        "cells": f"{of.cells}{oracle}",
        "time": f"about {duration(of.seconds)} on twins with profile {of.profile} and "
        f"{counted(of.jobs, 'worker')}",
    }
    yield from _facts(facts)
    yield ""
    yield "rows"
    for number, row in enumerate(table.lines, start=1):
        name = "oracle" if row == table.oracle else str(number)
        yield f"  {name:>6}  {row.label}"
        yield from wrapped(_row(row), " " * 10)
    if claims:
        yield ""
        yield "claims"
        for claim in claims:
            yield from wrapped(f"{claim.text} (section {claim.section})", "  ", "    ")


def _column(table: Any, dataset: str) -> str:
    protocol = table.sets(dataset).tested.protocol
    alone = not table.protocols and not table.is_by_row
    return f"{dataset} ({protocol})" if alone else dataset


def _gallery(rule: str) -> str:
    return "the gallery rule of each protocol" if rule == "protocol" else f"{rule} gallery"


def _row(row: Any) -> str:
    """Return "msifla, scales = [1], protocol vru-uniform4": all that makes a row."""
    from crossres.benchmark.config.post_processing import in_words

    options = [f"{name} = {json.dumps(value)}" for name, value in row.options.items()]
    protocol = [f"protocol {row.protocol}"] if row.protocol else []
    twin = [f"on twins {row.twin_protocol}"] if row.twin_protocol else []
    processing = [in_words(row.post_processing)] if row.post_processing else []
    return ", ".join([row.method, *options, *protocol, *twin, *processing])


def _facts(facts: dict[str, str]) -> Iterator[str]:
    width = max(map(len, facts))
    for name, text in facts.items():
        if text:
            yield from wrapped(text, f"  {name:{width}}  ", " " * (width + 4))


def add_command(commands: Any) -> None:
    """Add the group of commands to the parser."""
    within = command_group(
        commands, "tables", "list the result tables that can be filled, show one"
    )
    command_parser(
        within,
        "list",
        _tables_list,
        "list the built-in tables, with their cells and the time that these take",
        "crossres tables list",
    )
    show = command_parser(
        within,
        "show",
        _tables_show,
        "show a table: rows, data sets, metrics, protocols, claims, cells and the time they take",
        "crossres tables show table2\ncrossres tables show my_table.toml --profile paper",
    )
    show.add_argument("table", metavar="TABLE", help="table2, or the path of a table file")
    show.add_argument(
        "--profile",
        metavar="NAME|FILE",
        help="of the time that it takes (default: the table's own)",
    )
