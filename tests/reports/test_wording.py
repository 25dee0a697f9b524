"""Words of the report that decide what a reader gets to know."""

import pytest

from crossres.reports.wording import columns_words, seeds_words, shortened


@pytest.mark.parametrize(
    ("label", "short"),
    [
        ("Plain", "Plain"),
        ("Plain + mirror", "Plain + mirror"),
        ("Plain + mirrored", "Plain + mirro…"),
        ("Plain + mir †", "Plain + mir †"),
        ("Plain + mirrored †", "Plain + mir… †"),
    ],
)
def test_a_short_label_keeps_the_mark_of_post_processing(label: str, short: str) -> None:
    assert shortened(label, 14) == short


@pytest.mark.parametrize(
    ("datasets", "words"),
    [
        (["mlr-viper"], "1 data set"),
        (["mlr-viper", "caviar"], "2 data sets"),
        (["mlr-market", "mlr-market", "mlr-market"], "3 protocols"),
        (["mlr-market", "mlr-market", "caviar"], "3 pairs of data set and protocol"),
    ],
)
def test_columns_are_called_after_what_tells_them_apart(datasets: list[str], words: str) -> None:
    assert columns_words(datasets) == words


def test_seeds_that_not_all_numbers_have_are_said_to_be_so() -> None:
    assert seeds_words((0, 1, 2), 3) == seeds_words((0, 1, 2)) == "3 seeds (0, 1, 2)"
    assert seeds_words((0, 1, 2), 1) == "1 to 3 seeds (of 0, 1, 2)"
    assert seeds_words(range(10), 4) == "4 to 10 seeds (of 0 to 9)"
    assert seeds_words((7,), 1) == "1 seed (7)"
