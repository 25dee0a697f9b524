"""Mutations of CUHK03's one HDF5 file: of its bytes, and of the objects in it."""

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from case import Case, Kind, Mutation, head, replace

Edit = Callable[[Case, h5py.File], None]

FILE = "cuhk-03.mat"
_METADATA_START = 512


def _file(case: Case) -> Path | None:
    file = case.folder / FILE
    return file if file.is_file() and not file.is_symlink() and h5py.is_hdf5(file) else None


def flipped_bytes(case: Case) -> tuple[Kind, Path] | None:
    """Bits of what is no pixel: object headers, heaps, trees, references."""
    file = _file(case)
    if file is None:
        return None
    content = bytearray(head(file))
    dense = [n for n in range(_METADATA_START, len(content), 8) if _looks_like_metadata(content, n)]
    for _ in range(case.dice.pick((1, 1, 2, 5, 40)) if dense else 0):
        at = min(case.dice.pick(dense) + case.dice.below(8), len(content) - 1)
        content[at] ^= case.dice.pick((1, 2, 4, 8, 16, 32, 64, 128, 255))
    replace(file, bytes(content))
    return Kind.ANY, file


def _looks_like_metadata(content: bytearray, at: int) -> bool:
    """Addresses, sizes and messages are mostly zeros; pixels of noise are not."""
    return content[at : at + 16].count(0) >= 6 and any(content[at : at + 8])


def swapped_words(case: Case) -> tuple[Kind, Path] | None:
    """Two words of metadata change places: valid addresses in the wrong place, cycles."""
    file = _file(case)
    if file is None:
        return None
    content = bytearray(head(file))
    dense = [n for n in range(_METADATA_START, len(content), 8) if _looks_like_metadata(content, n)]
    for _ in range(case.dice.pick((1, 4, 20)) if dense else 0):
        target, source = case.dice.pick(dense), case.dice.pick(dense)
        content[target : target + 8] = content[source : source + 8]
    replace(file, bytes(content))
    return Kind.ANY, file


def cut(case: Case) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None:
        return None
    content = head(file)
    replace(file, content[: case.dice.below(len(content))])
    return Kind.ANY, file


def _edited(case: Case, edit: Edit, kind: Kind) -> tuple[Kind, Path] | None:
    file = _file(case)
    if file is None or any(effect.path.name == FILE for effect in case.effects):
        return None  # writing into a damaged file would test the library, not the reader
    replace(file, head(file))
    with h5py.File(file, "r+") as opened:
        edit(case, opened)
    return kind, file


def _put(opened: h5py.File, name: str, value: object, **options: object) -> None:
    del opened[name]
    opened.create_dataset(name, data=value, **options)


def _secret(case: Case) -> str:
    return str(case.home / "secret" / FILE)


def _one_of(case: Case) -> str:
    return case.dice.pick(("detected", "testsets"))


def _first_cells(opened: h5py.File) -> h5py.Dataset:
    return opened[opened["detected"][0, 0]]


def _first_image(opened: h5py.File) -> h5py.Dataset:
    cells = _first_cells(opened)[()]
    return next(opened[cell] for cell in cells.flat if opened[cell].ndim == 3)


def _swap_first_image(opened: h5py.File, dataset: h5py.Dataset) -> None:
    cells = _first_cells(opened)
    values = cells[()]
    cell_index = next(at for at, cell in np.ndenumerate(values) if opened[cell].ndim == 3)
    values[cell_index] = dataset.ref
    cells[...] = values


def external_link(case: Case, opened: h5py.File) -> None:
    name = _one_of(case)
    del opened[name]
    opened[name] = h5py.ExternalLink(_secret(case), name)


def soft_link_through_another_file(case: Case, opened: h5py.File) -> None:
    name = _one_of(case)
    del opened[name]
    opened["away"] = h5py.ExternalLink(_secret(case), "/")
    opened[name] = h5py.SoftLink(f"/away/{name}")


def dangling_soft_link(case: Case, opened: h5py.File) -> None:
    name = _one_of(case)
    del opened[name]
    opened[name] = h5py.SoftLink(case.dice.pick(("/nothing", f"/{name}", "/#refs#/..")))


def virtual_image(case: Case, opened: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3, 20, 40), dtype=np.uint8)
    layout[...] = h5py.VirtualSource(_secret(case), "picture", shape=(3, 20, 40))
    _swap_first_image(opened, opened.create_virtual_dataset("made", layout))


def image_kept_outside(case: Case, opened: h5py.File) -> None:
    dataset = opened.create_dataset(
        "made", (3, 20, 40), np.uint8, external=[(_secret(case), 0, h5py.h5f.UNLIMITED)]
    )
    _swap_first_image(opened, dataset)


def test_sets_kept_outside(case: Case, opened: h5py.File) -> None:
    dataset = opened.create_dataset(
        "made", (2, 3), np.float64, external=[(_secret(case), 0, h5py.h5f.UNLIMITED)]
    )
    _put(opened, "testsets", np.array([[dataset.ref]], dtype=h5py.ref_dtype))


def huge_claims(case: Case, opened: h5py.File) -> None:
    shape, chunks = case.dice.pick(
        [
            ((3, 60_000, 60_000), (1, 1000, 1000)),
            ((3, 2**40, 2), (1, 2**20, 1)),
            ((2**20, 2**20), (2**10, 2**10)),
        ]
    )
    dataset = opened.create_dataset("made", shape, np.uint8, chunks=chunks, fillvalue=7)
    if len(shape) == 3:
        _swap_first_image(opened, dataset)
    else:
        _put(opened, "detected", np.array([[dataset.ref]], dtype=h5py.ref_dtype))


def a_group_in_place(case: Case, opened: h5py.File) -> None:
    choice = case.dice.below(3)
    name = _one_of(case)
    del opened[name]
    if choice == 0:
        opened.create_group(name)
    elif choice == 1:
        opened[name] = np.dtype("f8")
    else:
        opened.create_dataset(name, data=[[opened["#refs#"].ref]], dtype=h5py.ref_dtype)


def a_group_as_cell(case: Case, opened: h5py.File) -> None:
    cells = _first_cells(opened)
    values = cells[()]
    values[case.dice.below(10), 0] = opened.create_group("made").ref
    cells[...] = values


def wrong_types(case: Case, opened: h5py.File) -> None:
    value = case.dice.pick(
        [
            np.arange(5.0),
            np.float64(3),
            "text",
            np.array([b"bytes"], dtype="S5"),
            h5py.Empty("f8"),
            np.zeros(3, dtype=[("a", "i4"), ("b", "f8")]),
        ]
    )
    _put(opened, _one_of(case), value)


def region_references(case: Case, opened: h5py.File) -> None:
    _ = case
    regions = np.array([[opened["testsets"].regionref[:]]], dtype=h5py.regionref_dtype)
    _put(opened, "detected", regions, dtype=h5py.regionref_dtype)


def text_of_any_length(case: Case, opened: h5py.File) -> None:
    _ = case
    texts = opened.create_dataset("made", (10, 4), h5py.string_dtype())
    _put(opened, "detected", np.array([[texts.ref]], dtype=h5py.ref_dtype))


def wrong_shapes(case: Case, opened: h5py.File) -> None:
    cells = _first_cells(opened)[()]
    reshaped = opened.create_dataset(
        "made", data=case.dice.pick([cells.T, cells[:4], cells.ravel()])
    )
    _put(opened, "detected", np.array([[reshaped.ref]], dtype=h5py.ref_dtype))


def wrong_images(case: Case, opened: h5py.File) -> None:
    shape, kind = case.dice.pick(
        [((20, 40, 3), "u1"), ((3, 0, 40), "u1"), ((3, 20, 40), "f8"), ((3, 20, 40), "i1")]
    )
    _swap_first_image(opened, opened.create_dataset("made", shape, kind))


def cycles(case: Case, opened: h5py.File) -> None:
    choice = case.dice.below(3)
    reference = opened["detected"].ref
    if choice == 0:
        opened["detected"][...] = np.full(opened["detected"].shape, reference)
    elif choice == 1:
        _first_cells(opened)[...] = np.full(_first_cells(opened).shape, reference)
        opened["testsets"][0, 0] = opened["testsets"].ref
    else:
        opened["detected"][0, 0] = opened.ref


def wrong_test_sets(case: Case, opened: h5py.File) -> None:
    value = case.dice.pick(
        [
            np.array([[np.nan, 1], [1, 1]]),
            np.array([[np.inf], [1]]),
            np.array([[1.5], [1]]),
            np.array([[1], [0]]),
            np.array([[-1], [1]]),
            np.array([[1], [1e300]]),
            np.array([[99], [1]]),
            np.zeros((3, 2)),
            np.zeros(2),
        ]
    )
    opened["testsets"][0, 0] = opened.create_dataset("made", data=value).ref


def missing(case: Case, opened: h5py.File) -> None:
    del opened[_one_of(case)]


def null_references(case: Case, opened: h5py.File) -> None:
    if case.dice.below(2):
        _put(opened, _one_of(case), np.empty((1, 5), dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
    else:
        _put(opened, "testsets", np.empty((1, 0)))
        opened["detected"][0, 0] = h5py.Reference()


def empty_cells(case: Case, opened: h5py.File) -> None:
    """All cells of a pair empty in MATLAB's way: no error, but fewer images."""
    _ = case
    cells = _first_cells(opened)
    empty = opened.create_dataset("made", data=np.zeros(2, np.uint64))
    cells[...] = np.full(cells.shape, empty.ref)


def compressed(case: Case, opened: h5py.File) -> None:
    """The same images, chunked and compressed, as newer MATLAB writes them."""
    _ = case
    image = _first_image(opened)[()]
    _swap_first_image(opened, opened.create_dataset("made", data=image, compression="gzip"))


EDITS = [
    external_link,
    soft_link_through_another_file,
    dangling_soft_link,
    test_sets_kept_outside,
    huge_claims,
    a_group_in_place,
    a_group_as_cell,
    wrong_types,
    region_references,
    text_of_any_length,
    wrong_shapes,
    wrong_images,
    cycles,
    wrong_test_sets,
    missing,
    null_references,
]


def _as_mutation(edit: Edit, kind: Kind) -> Mutation:
    def mutation(case: Case) -> tuple[Kind, Path] | None:
        return _edited(case, edit, kind)

    mutation.__name__ = edit.__name__
    return mutation


def extended(case: Case) -> tuple[Kind, Path] | None:
    """A sparse file of 64 GiB that begins as the whole one."""
    file = _file(case)
    if file is None:
        return None
    replace(file, head(file))
    os.truncate(file, 1 << 36)
    return Kind.ANY, file


MATLAB: list[Mutation] = [
    *[flipped_bytes, swapped_words] * 6,
    *[cut, extended] * 2,
    *(_as_mutation(edit, Kind.REFUSED) for edit in EDITS),
    _as_mutation(virtual_image, Kind.BROKEN),
    _as_mutation(image_kept_outside, Kind.BROKEN),
    _as_mutation(compressed, Kind.HARMLESS),
    _as_mutation(empty_cells, Kind.ANY),
]
