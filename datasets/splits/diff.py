"""Comparing two manifests: images in one only, and those of another pid, camid, split or rate."""

from dataclasses import dataclass

from crossres.datasets.splits.manifest import Manifest

HEADS = ("dataset", "protocol", "seed")
COLUMNS = ("pid", "camid", "split", "rate")


@dataclass(frozen=True)
class ImageChange:
    """One value of an image that is in both manifests, but not the same there."""

    path: str
    before: str | int
    after: str | int


@dataclass(frozen=True)
class ManifestDiff:
    """What differs between manifests A and B.

    `heads`: dataset, protocol, seed -> (A's, B's), where these differ. `only_a` and `only_b`: paths
    in the order of A and B. `changes`: pid, camid, split, rate -> the images where that differs, in
    the order of A.
    """

    heads: dict[str, tuple[str | int, str | int]]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    changes: dict[str, tuple[ImageChange, ...]]

    @property
    def equal(self) -> bool:
        """Return whether nothing differs; then the digests are equal as well."""
        return not (self.heads or self.only_a or self.only_b or any(self.changes.values()))


def compare(a: Manifest, b: Manifest) -> ManifestDiff:
    """Compare by path, whatever data sets, protocols and seeds the two are of."""
    left, right = _rows(a), _rows(b)
    heads = {name: (getattr(a, name), getattr(b, name)) for name in HEADS}
    both = [path for path in left if path in right]
    return ManifestDiff(
        heads={name: pair for name, pair in heads.items() if pair[0] != pair[1]},
        only_a=tuple(path for path in left if path not in right),
        only_b=tuple(path for path in right if path not in left),
        changes={
            column: tuple(
                ImageChange(path, left[path][column], right[path][column])
                for path in both
                if left[path][column] != right[path][column]
            )
            for column in COLUMNS
        },
    )


def _rows(manifest: Manifest) -> dict[str, dict[str, str | int]]:
    """Return path -> column -> value, in manifest order."""
    return {
        path: {"pid": int(pid), "camid": int(camid), "split": str(split), "rate": int(rate)}
        for path, pid, camid, split, rate in manifest.table[
            ["path", "pid", "camid", "split", "rate"]
        ].itertuples(index=False)
    }
