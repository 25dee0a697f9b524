"""Identity and camera numbers for layouts whose names have little room.

Renumbered so that no metric changes: which images are of one identity, and which images of an
identity are of one camera, stays as in the manifest.
"""

from collections.abc import Mapping

import pandas as pd

from crossres.datasets.base.errors import InputError
from crossres.datasets.splits.manifest import UNKNOWN_CAMERA

LAST_CAMERA = 9  # the readers take a single digit
# Stand-ins for unknown cameras: queries and all others get one each, so that no gallery image is
# ever of its query's camera. They sort after every known camera.
_UNKNOWN_QUERY, _UNKNOWN_OTHER = 2**40, 2**40 + 1


def pid_numbers(table: pd.DataFrame, last: int) -> tuple[dict[int, int], str]:
    """Return pid -> number, and a note ("" when every pid is kept).

    Pids are kept if all are at most `last` and pid 0, which readers take for distractors, is no
    identity (is in the gallery only). Otherwise identities are numbered from 1 in their order; -1
    stays, and so does 0 where it is no identity.
    """
    pids = sorted({int(pid) for pid in table["pid"]})
    zero_is_identity = bool(((table["pid"] == 0) & (table["split"] != "gallery")).any())
    fixed = {pid for pid in pids if pid < 0 or (pid == 0 and not zero_is_identity)}
    if not zero_is_identity and pids[-1] <= last:
        return {pid: pid for pid in pids}, ""
    identities = [pid for pid in pids if pid not in fixed]
    numbers = {pid: number for number, pid in enumerate(identities, start=1)}
    note = f"identities are numbered anew, 1 to {len(identities)}, in the order of their pids"
    return {**{pid: pid for pid in fixed}, **numbers}, note


def camera_numbers(table: pd.DataFrame) -> tuple[list[int], str]:
    """Return the number, 1 to 9, of each row's camera, and a note ("" when camids are kept).

    Up to nine cameras are numbered in their order. More are counted within each identity: metrics
    compare the cameras of one identity only, those of its queries with those of its gallery images.
    So where an identity has ten cameras or more, those that no query of it is from share the last
    number. Raises InputError when its queries leave none for them.
    """
    keys = _camera_keys(table)
    distinct = sorted(set(keys))
    if distinct[0] >= 1 and distinct[-1] <= LAST_CAMERA:
        return keys, ""
    note = "" if distinct[-1] < _UNKNOWN_QUERY else "; unknown cameras: queries one, others another"
    if len(distinct) <= LAST_CAMERA:
        numbers = {key: number for number, key in enumerate(distinct, start=1)}
        scheme = f"cameras are numbered anew, 1 to {len(distinct)}, in the order of their camids"
        return [numbers[key] for key in keys], scheme + note
    pids = [int(pid) for pid in table["pid"]]
    rows = zip(pids, keys, table["split"], strict=True)
    queried = {(pid, key) for pid, key, split in rows if split == "query"}
    within, shared = _numbers_within(pids, keys, queried)
    counted = [within[pid, key] for pid, key in zip(pids, keys, strict=True)]
    scheme = f"cameras are counted within each identity, 1 to {max(counted)}: "
    scheme += "one number in two identities is not one camera"
    if shared:
        scheme += f"; of {shared} identities of more cameras, those without a query share the last"
    return counted, scheme + note


def same_camera_counts(table: pd.DataFrame) -> bool:
    """Return whether any gallery image is of the identity and the (known) camera of a query."""
    filmed = table[table["camid"] != UNKNOWN_CAMERA]
    query, gallery = (
        {(int(pid), int(camid)) for pid, camid in rows[["pid", "camid"]].itertuples(index=False)}
        for rows in (filmed[filmed["split"] == split] for split in ("query", "gallery"))
    )
    return bool(query & gallery)


def _camera_keys(table: pd.DataFrame) -> list[int]:
    return [
        int(camid)
        if camid != UNKNOWN_CAMERA
        else (_UNKNOWN_QUERY if split == "query" else _UNKNOWN_OTHER)
        for camid, split in zip(table["camid"], table["split"], strict=True)
    ]


def _numbers_within(
    pids: list[int], keys: list[int], queried: set[tuple[int, int]]
) -> tuple[Mapping[tuple[int, int], int], int]:
    """Return (pid, camera) -> 1, 2, ... within the identity, 1 for distractors; and of how many
    identities cameras share the last number.
    """
    cameras: dict[int, set[int]] = {}
    for pid, key in zip(pids, keys, strict=True):
        cameras.setdefault(pid, set()).add(key)
    numbers: dict[tuple[int, int], int] = {}
    shared = 0
    for pid, camera_keys in cameras.items():
        order = sorted(camera_keys)
        if pid > 0 and len(order) > LAST_CAMERA:
            order.sort(key=lambda key: (pid, key) not in queried)
            if (pid, order[LAST_CAMERA - 1]) in queried:
                raise InputError(
                    f"an identity has {len(order)} cameras, and queries of {LAST_CAMERA} or more; "
                    f"this layout has room for {LAST_CAMERA}: use layout dgd, which needs none"
                )
            shared += 1
        for number, key in enumerate(order, start=1):
            numbers[pid, key] = min(number, LAST_CAMERA) if pid > 0 else 1
    return numbers, shared
