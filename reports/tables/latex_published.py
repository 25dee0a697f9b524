"""The published numbers of a table, for LaTeX: beside measured ones, or as a table of their own."""

from collections.abc import Sequence

from crossres.benchmark.config.tables import Table
from crossres.reports.tables.latex_notes import MACROS as AROUND
from crossres.reports.tables.latex_tabular import (
    MACROS,
    Group,
    Number,
    Section,
    TabularBlock,
    TabularLine,
    panels_of,
    tabular,
)
from crossres.reports.tables.latex_text import escape, row_label, sentence
from crossres.reports.tables.printed import printed_of
from crossres.reports.wording import listed, metric_title, set_title, slug

BLANK = Number(is_blank=True)
HEAD = "% Written by crossres: what papers print. It needs booktabs and graphicx.\n"


def published_numbers(values: Sequence[float | None]) -> list[Number]:
    """Return the values of a column, per cent, as they are printed, None for none of a row.

    The highest is best where there are several. Where there is none, all are blank.
    """
    known = [value for value in values if value is not None]
    if not known:
        return [BLANK] * len(values)
    best = max(known) if len(known) > 1 else None
    return [
        Number() if value is None else Number(f"{value:.1f}", mark="best" if value == best else "")
        for value in values
    ]


def published_to_latex(table: Table) -> str:
    """Return what papers print of a table as a float of its own; "" where that is nothing.

    It holds no measured number, so it may stand in a document whatever the measured ones are of.
    """
    printed = printed_of(table)
    if printed is None:
        return ""
    columns = {
        (dataset, metric): published_numbers(
            [printed.value(row, dataset, metric) for row in printed.rows]
        )
        for dataset in printed.datasets
        for metric in printed.metrics
    }
    lines = tuple(
        TabularLine(
            (row_label(table.rows[row]),),
            tuple(
                tuple(columns[dataset, metric][place] for metric in printed.metrics)
                for dataset in printed.datasets
            ),
        )
        for place, row in enumerate(printed.rows)
    )
    titles = tuple(escape(metric_title(metric)) for metric in printed.metrics)
    groups = tuple(Group(escape(set_title(dataset)), titles) for dataset in printed.datasets)
    head = (r"\textit{Published}", "")
    block = TabularBlock((head,), groups, (Section("", lines),))
    return HEAD + AROUND + MACROS + "\n" + _float(table, block, printed.metrics)


def _float(table: Table, block: TabularBlock, metrics: Sequence[str]) -> str:
    sources = sorted({entry.source for entry in table.published})
    text = escape(f"Published {listed([*map(metric_title, metrics)])} in per cent.")
    label = slug(table.id, "published")
    numbers = list(block.numbers)
    notes = [f"Printed in {escape(listed(sources))}; no number of this table was measured here."]
    if any(number.mark for number in numbers):
        notes.append("Bold, highest.")
    if any(not (number.mean or number.is_blank) for number in numbers):
        notes.append("--: not published.")
    return "\n".join(
        [
            r"\begin{table*}[htbp]",
            r"\centering",
            rf"\crossrescaption{{{label}}}{{{sentence(table.title)}}}{{{text}}}",
            r"\smallskip",
            r"\footnotesize",
            tabular(block, panels_of(block)),
            "\\crossresnotes{%\n" + "\n".join(notes) + "}",
            r"\end{table*}",
            "",
        ]
    )
