"""Saved methods are plain data and fit only themselves; a seed gives the same weights again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.datasets import InputError
from crossres.methods.interface.conformance import example_train_set, small_profile
from crossres.methods.interface.registry import method_class
from crossres.methods.interface.run import Run
from crossres.methods.plain import Plain
from tests.methods.mean_method import Mean

SMALL = small_profile("msifla")


@pytest.mark.parametrize("name", ["msifla", "plain"])
def test_training_twice_gives_the_same_bits_and_another_seed_others(name: str) -> None:
    def digest(seed: int) -> str:
        method = method_class(name)(SMALL)
        method.fit(example_train_set(SMALL), Run(seed))
        return method.parameters_digest()

    assert digest(0) == digest(0) != digest(1)


def test_loading_what_another_method_or_other_options_saved_is_refused(tmp_path: Path) -> None:
    saved = Mean(SMALL)
    saved.fit(example_train_set(SMALL), Run(0))
    saved.save(tmp_path)
    with pytest.raises(InputError, match=r"holds mean .*, not plain"):
        Plain(SMALL).load(tmp_path)
    with pytest.raises(InputError, match="make the method with the same options"):
        Mean(SMALL, bins=4).load(tmp_path)
    with pytest.raises(InputError, match=r"at 32x16 .*, not mean .* at 64x16 "):
        Mean(replace(SMALL, height=64)).load(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="give the folder that"):
        Mean(SMALL).load(tmp_path)
    with pytest.raises(InputError, match=r"method\.json: not a readable saved method"):
        Mean(SMALL).load(tmp_path / "elsewhere")


def test_saved_methods_are_json_and_safetensors_alone(tmp_path: Path) -> None:
    method = Plain(SMALL)
    method.fit(example_train_set(SMALL), Run(0))
    method.save(tmp_path / "new" / "folder")
    files = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert files == ["method.json", "weights.safetensors"]
    description = json.loads((tmp_path / "new" / "folder" / "method.json").read_text())
    assert description["method"] == "plain"
    assert description["options"]["parts"] == 4
