"""Words of the report that decide what a reader gets to know."""

import pytest

from crossres.reports.wording import shortened


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
