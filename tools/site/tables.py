"""Tables of numbers as the site shows them: one metric at a time, decimals below each other.

In the pages a cell is "67.9 ± 1.8 / 79.1", as a terminal and a diff have it. Here a table of two
metrics becomes two, of which one is seen (tabs without a script), and what belongs to a mean stands
apart from it. No character of a number is changed.
"""

import re
from collections.abc import Sequence

TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
BETWEEN = re.compile(r"(?<!\\)\|")
METRICS = re.compile(r"(rank-\d+|mAP|mINP) / (rank-\d+|mAP|mINP)(.*)")
NUMBER = r"[−+-]?[\d,]+(?:\.\d+)?"
PAIR = re.compile(rf"(\**)({NUMBER}[^/]*?) / ({NUMBER}[^/*]*)\1")
VALUE = re.compile(rf"(\**)({NUMBER}(?: %)?)(?: (± {NUMBER}|\[{NUMBER}, {NUMBER}\]))?\1")
NOTHING = ("", "–", "—")
Row = list[str]


def with_readable_tables(text: str) -> str:
    """Return a page with its tables of numbers laid out for reading; code stays as it is."""
    parts = FENCE.split(text)
    return "".join(p if p.startswith("```") else TABLE.sub(_table, p) for p in parts)


def _table(match: re.Match[str]) -> str:
    head, rule, *body = (_cells(line) for line in match[0].splitlines())
    if any(len(row) != len(head) for row in (rule, *body)):
        return match[0]  # a stroke within code, or cells left out: Markdown knows what is meant
    metrics = METRICS.fullmatch(head[0])
    if metrics is None or not any(PAIR.fullmatch(cell) for row in body for cell in row):
        return _laid_out(head, rule, body)
    first, second, rest = metrics.groups()
    pairs = [any(PAIR.fullmatch(cell) for cell in column) for column in zip(*body, strict=True)]
    # A single number beside pairs is of the first metric; a label is of both.
    labels = [not _is_numeric(column) for column in zip(*body, strict=True)]
    seconds = [k for k in range(len(head)) if pairs[k] or labels[k]]

    def half(number: int) -> list[Row]:
        return [[_half(cell, number) for cell in row] for row in body]

    of_first = _laid_out([first + rest, *head[1:]], rule, half(0))
    rows = ([second + rest, *head[1:]], rule, *half(1))
    second_head, second_rule, *second_body = (_of(row, seconds) for row in rows)
    of_second = _laid_out(second_head, second_rule, second_body)
    return f"{_tab(first, of_first)}\n{_tab(second, of_second)}"


def _cells(line: str) -> Row:
    return [cell.strip() for cell in BETWEEN.split(line.strip())[1:-1]]


def _of(row: Row, columns: Sequence[int]) -> Row:
    return [row[k] for k in columns]


def _half(cell: str, number: int) -> str:
    pair = PAIR.fullmatch(cell)
    return f"{pair[1]}{pair[2 + number].strip()}{pair[1]}" if pair else cell


def _is_numeric(column: Sequence[str]) -> bool:
    """Say whether all that a column holds are numbers, or pairs of them."""
    holds = [cell for cell in column if cell not in NOTHING]
    return bool(holds) and all(VALUE.fullmatch(cell) or PAIR.fullmatch(cell) for cell in holds)


def _laid_out(head: Row, rule: Row, body: list[Row]) -> str:
    """Return a table whose columns of numbers are to the right."""
    columns = list(zip(*body, strict=True))
    numeric = [number > 0 and _is_numeric(columns[number]) for number in range(len(head))]
    rule = ["--:" if right else line for right, line in zip(numeric, rule, strict=True)]
    shown = [
        [_apart(cell) if right else cell for right, cell in zip(numeric, row, strict=True)]
        for row in body
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *shown))


def _apart(cell: str) -> str:
    """Return a mean with its deviation or interval as a part of its own."""
    value = VALUE.fullmatch(cell)
    if value is None or value[3] is None:
        return cell
    kind = "spread" if value[3].startswith("±") else "interval"
    return f'{value[1]}{value[2]} <span class="{kind}">{value[3]}</span>{value[1]}'


def _tab(name: str, content: str) -> str:
    indented = "".join(f"    {line}\n" for line in content.splitlines())
    return f'=== "{name}"\n\n{indented}'
