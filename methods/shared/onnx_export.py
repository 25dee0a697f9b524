"""A trained method as one ONNX file: uint8 images in, embeddings out, nothing to normalise outside.

What goes wrong elsewhere is preparing images twice, or not at all; here the graph begins with the
pixels themselves. The file is run once, by onnxruntime, and compared with the method.
"""

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crossres.datasets.base.arguments import as_a, as_path
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.version import own_version
from crossres.methods.interface.conformance import example_images
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.options import options_as_json
from crossres.methods.interface.training_data import Images
from crossres.methods.shared.torch_method import TorchMethod

IMAGES, EMBEDDINGS = "images", "embeddings"
OPSET = 18
TRIED = 5  # images, from which embeddings are compared
TOLERANCE = 1e-3  # of the length of an embedding: what other kernels may change


@dataclass(frozen=True)
class OnnxFile:
    """What was written: shape (height, width) of images, size of embeddings, and how near it is.

    `deviation`: the largest distance between an embedding of the file and one of the method, by the
    length of the latter. `distance` says how embeddings are to be compared.
    """

    path: Path
    height: int
    width: int
    embedding_size: int
    deviation: float
    distance: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**vars(self), "path": str(self.path)}


class _Graph(nn.Module):
    """Images (N, H, W, 3) uint8 RGB -> embeddings (N, D) float32, as `Method.embed`."""

    def __init__(self, method: TorchMethod[Any]) -> None:
        super().__init__()
        self.network, self.method = method.fitted()[0], method

    def forward(self, images: Tensor) -> Tensor:
        return self.method.embedding_graph(images.permute(0, 3, 1, 2).to(torch.float32) / 255.0)


def export_onnx(
    method: Method, path: Path | str, origin: Mapping[str, Any] | None = None
) -> OnnxFile:
    """Write a trained method as an ONNX file, whole or not at all, once it was found to agree.

    Input `images` (N, height, width, 3) uint8 RGB, of the size that the method was trained on;
    output `embeddings` (N, D) float32. `origin` and what the method is go into the metadata.
    Raises InputError for a method that is no graph of its pixels alone, without the libraries
    (crossres[onnx]), and where the file does not agree with the method.
    """
    method = as_a(Method, method, "method")  # type: ignore[type-abstract]
    path = as_path(path, "path")
    origin = as_a(dict, origin or {}, "origin")
    onnx, runtime = _libraries()
    exported = _exportable(method)
    tried = example_images(TRIED, method.profile, "export")
    expected = method.embed(tried)
    content = _content(exported, tried[:2], onnx, origin)
    embedded = _run(runtime, content, tried)
    deviation = _deviation(embedded, expected)
    if not deviation <= TOLERANCE:
        raise InputError(
            f"method {method.name}: the ONNX file gives embeddings that differ by {deviation:.1%} "
            "of their length from the method's, so it is not written"
        )
    write_atomically(path, content)
    size = method.profile.height, method.profile.width
    return OnnxFile(path, *size, expected.shape[1], deviation, _distance(method))


def _libraries() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise InputError(f"an export needs {error.name}: pip install 'crossres[onnx]'") from error
    return onnx, onnxruntime


def _exportable(method: Method) -> TorchMethod[Any]:
    """Return the method if it says its embedding as one graph that keeps how it computes."""
    if not isinstance(method, TorchMethod) or (
        type(method).embed is not TorchMethod.embed
        and type(method).embedding_graph is TorchMethod.embedding_graph
    ):
        raise InputError(
            f"method {method.name} does not say its embedding as one graph of tensors "
            "(TorchMethod.embedding_graph), so there is none to export"
        )
    changed = method.profile.computing.changed
    if changed:
        raise InputError(
            f"the method was trained with another {', '.join(changed)} than by default, "
            "which a graph does not keep; train it without, and export that"
        )
    return method


def _content(
    method: TorchMethod[Any], example: Images, onnx: Any, origin: Mapping[str, Any]
) -> bytes:
    """Return the bytes of the file: the same for the same weights and libraries."""
    graph = _Graph(method).eval()
    images = torch.from_numpy(example).to(method.fitted()[1])
    try:
        with torch.no_grad(), _silence():
            program = torch.onnx.export(
                graph,
                (images,),
                input_names=[IMAGES],
                output_names=[EMBEDDINGS],
                # len() of a tensor would fix the number of images; shape[0] does not.
                dynamic_shapes={IMAGES: {0: torch.export.Dim("batch")}},
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise InputError(
            f"method {method.name}: torch cannot write its embedding as one graph: what it does "
            "with an image depends on the image in more than numbers"
        ) from error
    model = program.model_proto  # type: ignore[union-attr]
    # torch notes the lines of Python behind each node, with the paths of this machine.
    for node in (*model.graph.node, *(n for f in model.functions for n in f.node)):
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, _metadata(method, origin))
    return bytes(model.SerializeToString(deterministic=True))


def _metadata(method: Method, origin: Mapping[str, Any]) -> dict[str, str]:
    """Return what a reader of the file must know, and where the weights come from."""
    return {
        "crossres": own_version(),
        "method": method.name,
        "options": json.dumps(options_as_json(method.options), sort_keys=True),
        "images": f"(N, {method.profile.height}, {method.profile.width}, 3) uint8 RGB",
        "distance": _distance(method),
        "weights": method.parameters_digest(),
        "origin": json.dumps(dict(origin), sort_keys=True),
    }


def _distance(method: Method) -> str:
    if not method.has_own_distance():
        return "euclidean"
    return f"that of {type(method).__name__}.distances, which is not in the file"


def _run(runtime: Any, content: bytes, images: Images) -> NDArray[np.float32]:
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # One by one and all at once: the number of images must be free.
    alone = session.run([EMBEDDINGS], {IMAGES: images[:1]})[0]
    together = np.asarray(session.run([EMBEDDINGS], {IMAGES: images})[0])
    return np.concatenate([alone, together[1:]])


def _deviation(embedded: NDArray[np.float32], expected: Embeddings) -> float:
    """Return the largest distance of two embeddings of one image by their length, or infinity."""
    if embedded.shape != expected.shape:
        return float("inf")
    gaps = np.linalg.norm(embedded.astype(np.float64) - expected, axis=1)
    lengths = np.linalg.norm(expected.astype(np.float64), axis=1)
    deviation = float(np.max(gaps / np.maximum(lengths, 1e-12)))
    return deviation if np.isfinite(deviation) else float("inf")


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what torch's exporter prints and logs of its steps from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
