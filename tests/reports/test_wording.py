"""Words of the report that decide what a reader gets to know."""

import pytest

from crossres.reports.wording import columns_words, shortened


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
