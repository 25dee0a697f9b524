"""SYSU-MM01, a decoy: another set of the name, cam1 to cam6 and exp, that a reader must refuse."""

from pathlib import Path

from crossres.datasets.readers import RawImage
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.common import jpeg, shot, write_file, write_files
from crossres.datasets.twins.sizes import Size

CAMERAS = range(1, 7)


def plan(size: Size) -> list[Shot]:
    """Plan one image of each of the `identities` in each camera."""
    return [
        shot(size, RawImage(f"cam{camid}/{pid:04d}/0001.jpg", pid, camid))
        for camid in CAMERAS
        for pid in range(1, 1 + size.count("identities"))
    ]


def write(raw: Path, size: Size, pictures: Pictures) -> None:
    """Write the folders, and the list of training identities in exp."""
    write_files(raw, pictures, jpeg)
    pids = ",".join(str(pid) for pid in range(1, 1 + size.count("identities")))
    write_file(raw / "exp" / "train_id.txt", pids.encode("ascii"))
