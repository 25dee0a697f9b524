"""Tables of the site: other than in the pages, and with the same numbers."""

import re
from pathlib import Path

import pytest

from tools.site import pages
from tools.site.tables import with_readable_tables

REPOSITORY = Path(__file__).parents[3]
PAGES = [
    "README.md",
    *sorted(str(p.relative_to(REPOSITORY)) for p in REPOSITORY.glob("docs/**/*.md")),
]
PAIRED = """\
| rank-1 / mAP, %, ten seeds | gallery | viper | at rate 2 |
|---|--:|--:|--:|
| Plain | single | 67.9 ± 1.8 / 79.1 | 71.5 |
| **Ours** | multi | **60.0 ± 10.0 / 70.0** | 1,234 |
| Not run | single | – | |

"""


def cells(line: str) -> list[str]:
    """The cells of a line of a table, without what the site puts around numbers."""
    plain = re.sub(r"</?span[^>]*>", "", line.strip())
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", plain)[1:-1]]


def tables(text: str) -> list[list[list[str]]]:
    """All tables of a page, outside of code, but for the lines below their heads."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"(?:^ *\|.*\n)+", text, flags=re.MULTILINE)
    lines = [[cells(line) for line in block.splitlines()] for block in blocks]
    return [[table[0], *table[2:]] for table in lines]


def test_two_metrics_are_two_tables() -> None:
    text = with_readable_tables(PAIRED)
    assert re.findall(r'^=== "(.*)"$', text, re.MULTILINE) == ["rank-1", "mAP"]
    rank1, mean = tables(text)
    assert rank1 == [
        ["rank-1, %, ten seeds", "gallery", "viper", "at rate 2"],
        ["Plain", "single", "67.9 ± 1.8", "71.5"],
        ["**Ours**", "multi", "**60.0 ± 10.0**", "1,234"],
        ["Not run", "single", "–", ""],
    ]
    assert mean == [
        ["mAP, %, ten seeds", "gallery", "viper"],
        ["Plain", "single", "79.1"],
        ["**Ours**", "multi", "**70.0**"],
        ["Not run", "single", "–"],
    ]
    assert '<span class="spread">± 10.0</span>**' in text


def test_an_interval_stands_apart() -> None:
    text = with_readable_tables("| a | b |\n|---|---|\n| x | **−0.8 [−4.9, +3.4]** |\n")
    assert "| --- | --: |" in text
    assert '| **−0.8 <span class="interval">[−4.9, +3.4]</span>** |' in text


def test_a_table_of_another_shape_is_left_alone() -> None:
    ragged = "| rank-1 / mAP | b |\n|---|---|\n| `a|b` | 1.0 / 2.0 |\n| x |\n"
    assert with_readable_tables(ragged) == ragged


def test_code_is_left_alone() -> None:
    fenced = f"```text\n{PAIRED}```\n"
    assert with_readable_tables(fenced) == fenced


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_of_a_page_is_lost_or_changed(page: str) -> None:
    before = tables(pages.of_site(pages.read(page), page))
    after = iter(tables(pages.page(page)))
    for table in before:
        shown = next(after)
        if shown != table:
            check_halves(table, shown, next(after))
    assert next(after, None) is None


def check_halves(table: list[list[str]], first: list[list[str]], second: list[list[str]]) -> None:
    """The two tables of two metrics have what the one had, cell by cell."""
    metrics = [re.split("[, ]", half[0][0])[0] for half in (first, second)]
    assert table[0][0].startswith(" / ".join(metrics))
    assert first[0][1:] == table[0][1:]
    both = [k for k, name in enumerate(table[0]) if k == 0 or name in second[0]]
    assert len(second[0]) == len(both)
    for row, of_first, rest in zip(table[1:], first[1:], second[1:], strict=True):
        of_second = dict(zip(both, rest, strict=True))
        for k, (cell, half) in enumerate(zip(row, of_first, strict=True)):
            if cell == half:
                assert of_second.get(k, cell) == cell
            else:
                bold = "**" * cell.startswith("**")
                halves = [
                    text.removeprefix(bold).removesuffix(bold) for text in (half, of_second[k])
                ]
                assert cell == f"{bold}{' / '.join(halves)}{bold}"
