"""ONNX files: equal to the method, of any number of images, sound for others, and refusals."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import Method, Run, export_onnx, method_class
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.shared import onnx_export
from tests.methods.mean_method import Mean


def trained(name: str, **options: Any) -> Method:
    cls = method_class(name)
    method = cls(small_profile(cls), **options)
    method.fit(example_train_set(method.profile), Run(seed=0))
    return method


def embedded(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["embeddings"], {"images": images})[0])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain", {"embed_flip": True, "test_normalise": "whole"}),
        ("msifla", {}),
        ("pri", {}),
        ("ps-hrnet", {}),
        ("frozen", {"parts": 2, "input_size": [48, 24]}),
        ("vpfa", {}),
    ],
)
def test_the_file_gives_the_embeddings_of_the_method(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    method = trained(name, **options)
    written = export_onnx(method, tmp_path / "method.onnx")
    images = example_images(7, method.profile, "test")
    expected = method.embed(images)
    assert written.embedding_size == expected.shape[1]
    assert written.deviation < 1e-5
    for count in (1, 3, 7):
        given = embedded(written.path, images[:count])
        assert given.dtype == np.float32
        assert np.allclose(given, expected[:count], atol=1e-5 * np.abs(expected).max())


def test_the_file_says_what_it_is_the_same_each_time_and_names_no_path(tmp_path: Path) -> None:
    method = trained("intact")
    origin = {"key": "abc", "dataset": "caviar"}
    first = export_onnx(method, tmp_path / "first.onnx", origin)
    second = export_onnx(method, tmp_path / "second.onnx", origin)
    content = first.path.read_bytes()
    assert content == second.path.read_bytes()
    assert b".py" not in content
    assert str(Path.cwd()).encode() not in content
    model = onnx.load(first.path)
    onnx.checker.check_model(model, full_check=True)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["method"] == "intact"
    assert facts["images"] == "(N, 32, 16, 3) uint8 RGB"
    assert facts["weights"] == method.parameters_digest()
    assert json.loads(facts["origin"]) == origin
    assert "Intact.distances" in facts["distance"] == first.distance
    (images,) = model.graph.input
    assert [d.dim_param or d.dim_value for d in images.type.tensor_type.shape.dim][1:] == [
        32,
        16,
        3,
    ]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("csr-gan", "torch cannot write its embedding as one graph"),
        ("lrar", r"does not say its embedding as one graph of tensors \(TorchMethod"),
    ],
)
def test_methods_that_are_no_graph_are_refused(name: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"method {name}.*{fault}") as caught:
        export_onnx(trained(name), tmp_path / "method.onnx")
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_a_method_without_torch_is_refused(tmp_path: Path) -> None:
    method = Mean(small_profile())
    method.fit(example_train_set(method.profile), Run(seed=0))
    with pytest.raises(InputError, match="does not say its embedding as one graph"):
        export_onnx(method, tmp_path / "method.onnx")


def test_a_file_that_does_not_agree_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = trained("plain")
    graph = type(method).embedding_graph
    monkeypatch.setattr(type(method), "embedding_graph", lambda self, x: graph(self, 0.9 * x))
    with pytest.raises(InputError, match=r"embeddings that differ by .*%.*so it is not written"):
        export_onnx(method, tmp_path / "method.onnx")
    assert not any(tmp_path.iterdir())


def test_untrained_methods_and_other_precisions_are_refused(tmp_path: Path) -> None:
    cls = method_class("plain")
    with pytest.raises(InputError, match="not trained yet"):
        export_onnx(cls(small_profile(cls)), tmp_path / "method.onnx")
    profile = small_profile(cls)
    profile.train["precision"] = "bf16"
    method = cls(profile)
    method.fit(example_train_set(profile), Run(seed=0))
    try:
        with pytest.raises(InputError, match="trained with another precision than by default"):
            export_onnx(method, tmp_path / "method.onnx")
    finally:
        del profile.train["precision"]


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime", "onnxscript"])
def test_without_the_libraries_the_extra_is_named(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=r"needs onnx\w*: pip install 'crossres\[onnx\]'"):
        export_onnx(trained("frozen"), tmp_path / "method.onnx")


def test_infinite_embeddings_do_not_agree() -> None:
    ones = np.ones((2, 3), np.float32)
    assert onnx_export._deviation(ones * np.nan, ones) == float("inf")
    assert onnx_export._deviation(ones[:, :2], ones) == float("inf")
    assert onnx_export._deviation(ones, ones) == 0.0
