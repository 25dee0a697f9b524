"""Building the pixels of a store chunk by chunk: what is finished outlives the process.

Beside the pixels, each finished chunk has a small file with their digest. An interrupted build is
resumed with those chunks whose pixels have that digest.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from threadpoolctl import threadpool_limits

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import cannot_write, digest_of, make_folder, write_atomically
from crossres.datasets.base.progress import Report
from crossres.datasets.pixels.decoding import fill
from crossres.datasets.pixels.plan import Chunk, StorePlan
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import reader


def build_pixels(
    raw: Raw, plan: StorePlan, workplace: Path, file: Path, progress: Report, jobs: int
) -> bool:
    """Write the npy file of a store; return whether an interrupted build was resumed.

    The digests of its chunks lie in `workplace`, whose lock the caller holds. Raises InputError
    naming an image that cannot be decoded, or the file that cannot be written.
    """
    remaining = [chunk for chunk in plan.chunks if not _is_finished(plan, chunk, workplace, file)]
    total = len(plan.images)
    done = total - sum(len(chunk.images) for chunk in remaining)
    progress(done, total)
    make_folder(file.parent)
    with _writing(file) as stream:
        stream.write(plan.header)
        stream.truncate(plan.start(plan.shape[0]))
    decode = reader(raw.card.reader).open_image
    works = [chunk.images for chunk in remaining]
    with (
        # The threads are ours: a BLAS that starts its own for each small product wastes both cores.
        threadpool_limits(1, "blas"),
        closing(fill(raw.folder, decode, plan.recipe, works, jobs)) as filled,
    ):
        for chunk, images in zip(remaining, filled, strict=True):
            pixels = [at_rate.tobytes() for image in images for at_rate in image]
            with _writing(file) as stream:
                for row, content in zip(chunk.rows, pixels, strict=True):
                    stream.seek(plan.start(row))
                    stream.write(content)
            write_atomically(_digest_file(workplace, chunk), _digest(plan, pixels))
            done += len(images)
            progress(done, total)
    return len(remaining) < len(plan.chunks)


def count_finished(plan: StorePlan, workplace: Path) -> int:
    """Return how many images are finished, while another process may be building them."""
    return sum(
        len(chunk.images) for chunk in plan.chunks if _digest_file(workplace, chunk).exists()
    )


def _is_finished(plan: StorePlan, chunk: Chunk, workplace: Path, file: Path) -> bool:
    pixels = []
    try:
        digest = _digest_file(workplace, chunk).read_bytes()
        with file.open("rb") as stream:
            for row in chunk.rows:
                stream.seek(plan.start(row))
                pixels.append(stream.read(plan.image_size))
    except OSError:
        return False
    return digest == _digest(plan, pixels).encode()


def _digest_file(workplace: Path, chunk: Chunk) -> Path:
    return workplace / f"{chunk.name}.sha256"


def _digest(plan: StorePlan, pixels: Sequence[bytes]) -> str:
    """Return a digest of the pixels that no chunk of another plan has."""
    return digest_of(plan.inputs.encode(), *pixels)


@contextmanager
def _writing(file: Path) -> Iterator[BinaryIO]:
    """Open a file to write anywhere in it; what it has is kept.

    Never write it through a memory map: there a full disk is a signal that kills the process.
    """
    try:
        file.touch()
        with file.open("r+b") as stream:
            yield stream
    except OSError as error:
        raise InputError(f"{cannot_write(file, error)}; finished chunks are kept") from error
