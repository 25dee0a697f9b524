"""The reference of the Python door: every name, with the signature that it really has."""

import inspect
import re

import pytest

import crossres
from tools.site import python_door

HEADING = re.compile(r"^### `(\w+)`.*\n", re.MULTILINE)


@pytest.fixture(scope="module")
def page() -> str:
    return python_door.page()


@pytest.fixture(scope="module")
def sections(page: str) -> dict[str, str]:
    """Name -> what stands below it, up to the next name or topic."""
    _, *parts = HEADING.split(page)
    below = [part.partition("\n## ")[0] for part in parts[1::2]]
    return dict(zip(parts[::2], below, strict=True))


def test_each_name_has_one_section(page: str, sections: dict[str, str]) -> None:
    assert sorted(sections) == sorted(crossres.__all__)
    assert len(HEADING.findall(page)) == len(crossres.__all__)


@pytest.mark.parametrize("name", sorted(crossres.__all__))
def test_a_section_is_what_python_says(name: str, sections: dict[str, str]) -> None:
    section, target = sections[name], getattr(crossres, name)
    signature = re.search(r"```python\n(.*?)\n```", section, re.DOTALL)
    assert signature is not None
    assert inspect.getdoc(target)
    if name != "MethodCheckError":  # of built-in exceptions Python has no signature
        for parameter in inspect.signature(target).parameters.values():
            if parameter.name != "self":
                assert re.search(rf"\b{parameter.name}\b", signature[1]), parameter
    words = re.findall(r"[A-Za-z]{4,}", inspect.getdoc(target) or "")
    assert [word for word in words if word not in section] == []


def test_members_of_a_class_are_there(sections: dict[str, str]) -> None:
    for name in ("Method", "TorchMethod", "Manifest", "Source"):
        target = getattr(crossres, name)
        for member, value in vars(target).items():
            is_shown = inspect.isfunction(value) or isinstance(value, property | classmethod)
            if is_shown and member[0] != "_" and inspect.getdoc(value) and value.__doc__:
                assert f"#### `{name}.{member}`" in sections[name]


def test_types_of_ours_are_explained(sections: dict[str, str]) -> None:
    assert '- `Metric` is `Literal["euclidean", "cosine"]`' in sections["evaluate"]
    assert "- `Table` is `crossres.benchmark.config.tables.Table`: " in sections["load_table"]
    assert "It has all that [`Method`](#method) has." in sections["TorchMethod"]
    assert "[`evaluate`](#evaluate)" in sections["evaluate_features"]


def test_links_lead_to_sections(page: str) -> None:
    anchors = re.findall(r"\{: #(\S+) \}", page)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= set(anchors)
