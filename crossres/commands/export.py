"""`crossres export`."""

import argparse
import sys
from typing import Any

from crossres.answer import Answer
from crossres.arguments import add_method, command_parser, method_sources_for, user_path


def _export(options: argparse.Namespace) -> Answer:
    from crossres.datasets.base.files import check_place
    from crossres.methods.interface.method import read_description
    from crossres.methods.interface.saved import load_method
    from crossres.methods.shared.onnx_export import export_onnx

    check_place(options.onnx)
    method_sources_for(options.weights, options.method)  # knows the file from here on
    origin = read_description(options.weights)["origin"]
    written = export_onnx(load_method(options.weights), options.onnx, origin)
    if written.distance != "euclidean":
        print(f"note: embeddings are compared by {written.distance}", file=sys.stderr)
    images = f"(N, {written.height}, {written.width}, 3) uint8 RGB"
    return Answer(
        written.as_json(),
        [
            f"wrote {written.path}: images {images} -> embeddings (N, {written.embedding_size}) "
            f"float32, within {written.deviation:.1e} of the method's own"
        ],
    )


def add_command(commands: Any) -> None:
    """Add the command."""
    export = command_parser(
        commands,
        "export",
        _export,
        "write a trained method as an ONNX file that takes pixels",
        "crossres export results/table2/weights/KEY --onnx msifla.onnx",
    )
    export.add_argument(
        "weights",
        type=user_path,
        metavar="WEIGHTS",
        help="weights/<key> of a results folder, or what Method.save wrote",
    )
    add_method(export)
    export.add_argument(
        "--onnx", type=user_path, required=True, metavar="FILE.onnx", help="the file to write"
    )
