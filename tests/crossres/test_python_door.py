"""The Python door: text is as good as a path, one as good as many; a wrong argument is one line."""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import crossres
from crossres.methods import MethodCheckError

WRONG: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "5": lambda: 5,
    "-1": lambda: -1,
    "2.5": lambda: 2.5,
    "NaN": lambda: float("nan"),
    "True": lambda: True,
    "10^30": lambda: 10**30,
    "empty text": lambda: "",
    "text": lambda: "no such thing",
    "NUL": lambda: "a\0b",
    "bytes": lambda: b"bytes",
    "path": lambda: Path("nowhere"),
    "list": lambda: ["x"],
    "list of None": lambda: [None],
    "dict": lambda: {"a": 1},
    "set": set,
    "object": object,
    "class": lambda: int,
    "function": lambda: lambda: None,
    "array": lambda: np.array([[1.0]]),
    "objects": lambda: np.array(["a"], object),
    "tensor": lambda: torch.zeros(2),
    "frame": lambda: pd.DataFrame({"a": ["x"]}),
    "generator": lambda: (i for i in ()),
}
# What a call would otherwise be right with, so that the wrong value is reached.
USUAL = {
    "dataset": "mlr-viper",
    "protocol": "mlr-sing",
    "seed": 0,
    "cache": "cache",
    "folder": "folder",
    "out": "out",
    "results": "results",
    "baseline": "baseline.json",
    "table": "table2",
    "name": "plain",
    "method": "plain",
    "height": 8,
    "width": 8,
}
# What networks are made and trained of takes modules and tensors, and raises what torch raises.
BLOCKS = tuple(
    f"crossres.methods.shared.{part}"
    for part in ("checkpoints", "loss", "networks", "reid", "tensors", "torch", "training")
)
ENDS = {"main": (SystemExit,), "check_method": (MethodCheckError,)}


def doors() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """(name, function, parameter) of all that the door exports."""
    for name in crossres.__all__:
        target = getattr(crossres, name)
        if name in ("InputError", "Method", "MethodCheckError"):
            continue
        if target.__module__.startswith(BLOCKS):
            continue
        for function in (target, getattr(target, "read", None)):
            if function is not None:
                for parameter in inspect.signature(function).parameters.values():
                    if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                        yield name, function, parameter.name


@pytest.mark.parametrize(("name", "function", "argument"), list(doors()))
@pytest.mark.parametrize("usual", [True, False])
def test_a_wrong_argument_is_an_input_error(
    name: str,
    function: Callable[..., Any],
    argument: str,
    usual: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSRES_CACHE", str(tmp_path / "cache"))
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    for kind, make in WRONG.items():
        if _is_right(name, argument, kind):
            continue
        arguments = {n: USUAL.get(n, make()) if usual else make() for n in needed} | {
            argument: make()
        }
        # Anything else fails the test; `main` ends as argparse does.
        with contextlib.suppress(crossres.InputError, *ENDS.get(name, ())):
            function(**arguments)


def _is_right(name: str, argument: str, kind: str) -> bool:
    """Calls with nothing wrong, or nothing that can be known, which would work for seconds."""
    if name == "draw_twin":
        return argument == "folder" or kind in ("None", "class", "function")
    if name == "check_method":
        return argument == "profile" and kind == "None"
    return name == "main" and kind == "None"


F = np.random.default_rng(0).normal(size=(6, 4))
IDS = np.array([3, 1, 2, 3, 1, 2])
CAMS = np.array([0, 0, 0, 1, 1, 1])
FORMS: dict[str, tuple[Any, Any]] = {
    "lists": (F.tolist(), IDS.tolist()),
    "tensors": (torch.tensor(F), torch.tensor(IDS)),
    "with gradient": (torch.tensor(F, requires_grad=True), torch.tensor(IDS, dtype=torch.int16)),
    "turned": (torch.tensor(F.T.copy()).T, torch.tensor(IDS)[None]),
    "frame": (pd.DataFrame(F), pd.Series(IDS)),
    "nullable": (pd.DataFrame(F), pd.Series(IDS, dtype="Int64")),
    "big endian": (F.astype(">f8"), IDS.astype(">i2")),
    "whole floats": (F, IDS.astype(float)),
    "MATLAB's": (F, IDS[None].astype(np.uint8)),
    "beyond 32 bits": (F, IDS + 2**40),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_arrays_of_any_library_are_taken(form: str) -> None:
    features, ids = FORMS[form]
    usual = crossres.evaluate(F, F, IDS, IDS, CAMS, CAMS)
    assert crossres.evaluate(features, features, ids, ids, CAMS, CAMS) == usual


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_tensors_are_what_they_hold(kind: torch.dtype) -> None:
    half = torch.tensor(F).to(kind)
    single = half.float().numpy()
    metrics = crossres.evaluate(half, half, IDS, IDS, CAMS, CAMS)
    assert metrics == crossres.evaluate(single, single, IDS, IDS, CAMS, CAMS)


def test_masked_entries_are_not_dropped_in_silence() -> None:
    masked = np.ma.masked_greater(F, 1.0)
    with pytest.raises(crossres.InputError, match="query_features: has masked entries"):
        crossres.evaluate(masked, F, IDS, IDS, CAMS, CAMS)


def test_text_is_a_path_and_one_is_as_good_as_many(tmp_path: Path) -> None:
    from crossres.benchmark import plan_table

    cache = str(tmp_path / "cache")
    crossres.draw_twin("mlr-viper", str(tmp_path), "tiny")
    source = crossres.Source(root=str(tmp_path))
    assert source == crossres.Source(root=tmp_path)
    raw = crossres.open_raw("mlr-viper", source, cache)
    manifest = crossres.build_manifest(raw, seed=np.int64(1))  # type: ignore[arg-type]
    manifest.write(str(tmp_path / "m.csv"))
    assert crossres.Manifest.read(str(tmp_path / "m.csv")).digest == manifest.digest
    common: dict[str, Any] = {"out": str(tmp_path / "out"), "source": source, "cache": cache}
    single, many = (
        plan_table(crossres.RunRequest("table2", profile="smoke", jobs=1, **selection, **common))
        for selection in (
            {"datasets": "mlr-viper", "seeds": 1, "rows": 1},
            {"datasets": ["mlr-viper"], "seeds": np.array([1]), "rows": ["1"]},
        )
    )
    assert [c.job.key for c in single.cells] == [c.job.key for c in many.cells]
    assert len(single.cells) == 1
