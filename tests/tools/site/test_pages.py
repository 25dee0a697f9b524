"""Pages of the repository as pages of the site."""

import pytest

from tools.site import pages


@pytest.mark.parametrize(
    ("file", "text", "in_site"),
    [
        ("README.md", "[it](docs/gate.md#more)", "[it](gate.md#more)"),
        ("README.md", "![it](docs/images/a.png)", "![it](images/a.png)"),
        ("docs/start/crops.md", "[it](../../README.md)", "[it](../index.md)"),
        ("docs/gate.md", "[it](../methods/plain.py)", "it"),
        ("docs/gate.md", "[report.md](report.md)", "[Reading the report](report.md)"),
        ("docs/gate.md", "[it](https://x.org) [it](#here)", "[it](https://x.org) [it](#here)"),
        ("README.md", "[it](docs/first-steps.ipynb)", "[it](first-steps.md)"),
    ],
)
def test_links_lead_as_in_the_site(file: str, text: str, in_site: str) -> None:
    assert pages.of_site(text, file) == in_site


def test_what_only_the_site_has_is_no_comment_there() -> None:
    text = "a\n<!-- site:\n[it](reference/python.md)\n\nb\n-->\nc <!-- other --> <!-- site: d -->"
    shown = "a\n[it](reference/python.md)\n\nb\nc <!-- other --> d"
    assert pages.of_site(text, "README.md") == shown
