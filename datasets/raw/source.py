"""Sources: opening the raw folder of a data set, real or drawn as a twin on first use."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from crossres.datasets.base.arguments import as_a, as_path, as_text, if_given
from crossres.datasets.base.bounds import checked_seeds
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import replace_folder
from crossres.datasets.base.in_use import mark_used
from crossres.datasets.cards import Card, Layout, card
from crossres.datasets.raw.archives import find_in_archive, is_archive
from crossres.datasets.raw.counts import differences
from crossres.datasets.raw.native_sizes import other_sizes, size_words
from crossres.datasets.raw.source_name import CUSTOM
from crossres.datasets.raw.twin_marker import drawn_as
from crossres.datasets.readers import Names, OwnReader, RawContent, RawImage, reader
from crossres.datasets.readers.parts.files import exists, is_file, is_folder
from crossres.datasets.readers.parts.listing import EXPORT_LIST

TWINS = "twins"  # the folder of a cache


@dataclass(frozen=True)
class Source:
    """Where raw folders come from: a folder that holds one or several of them, or a drawn twin.

    `root` None means the twin of that `size` and `seed`; with a `root` neither is used. `partial`
    admits a raw folder whose counts differ from the card of its data set, `other_sizes` one with
    images of other sizes (down-sampled already, say): what is made of it is marked as such.
    """

    root: Path | str | None = None
    size: str = "quick"
    seed: int = 0
    partial: bool = False
    other_sizes: bool = False

    def __post_init__(self) -> None:
        """Take text as a path."""
        object.__setattr__(self, "root", if_given(self.root, "root of a Source", as_path))
        as_text(self.size, "size of a Source")
        checked_seeds((self.seed,), "seed of a Source")


@dataclass(frozen=True)
class Raw:
    """Everything known of one raw folder.

    `source` is "twin:<size>:<version>" when the folder is marked as drawn by us (with ":<seed>",
    when it was given and has another than 0), "custom" for a user's own set, "real" when its counts
    and sizes are those of the card, else "partial"; `other_counts` and `other_sizes` then say in
    what it differs: "12 of 1,501 identities". `images` are sorted by path; `lr_camera`,
    `native_lr`, `test_sets`, `rates` and `names` are those of the reader's RawContent; `notes` are
    warnings that every manifest repeats. `own` is the card of a user's own set, with the counts and
    LR cameras of this folder (None: one of ours).
    """

    dataset: str
    folder: Path
    source: str
    images: tuple[RawImage, ...]
    lr_camera: int | None = None
    native_lr: frozenset[str] = frozenset()
    test_sets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    other_counts: tuple[str, ...] = ()
    other_sizes: tuple[str, ...] = ()
    rates: Mapping[str, int] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    own: Card | None = None

    @property
    def card(self) -> Card:
        """The card of the data set."""
        return self.own or card(self.dataset)

    def require(self, paths: Iterable[str]) -> None:
        """Raise InputError naming the first path of a manifest that this folder does not hold."""
        paths_here = {image.path for image in self.images}
        for path in paths:
            if path not in paths_here:
                raise InputError(
                    f"{self.folder / path}: is in the manifest, but not in the raw folder"
                )


def open_raw(dataset: str | Card, source: Source, cache: Path | str) -> Raw:
    """Find and read the raw folder of a data set, drawing the twin into `cache` when needed.

    `dataset` is the id of one of ours, or the card of a user's own (`own_set`), which has no twin:
    without a root in `source` its raw folder is where its definition says.

    Raises InputError on an unknown data set, or when no raw folder of it is there (naming the
    folder, the layout and where to get it), or when a name or image in it is unusable.
    """
    dataset_card, cache = card(dataset), as_path(cache, "cache")
    folder = raw_folder(dataset_card, as_a(Source, source, "source"), cache)
    content = read_content(dataset_card, folder)
    drawn = drawn_as(folder, with_seed=source.root is not None)
    images = tuple(sorted(content.images, key=lambda image: image.path))
    if dataset_card.own is not None:
        return _own_raw(dataset_card, folder, drawn or CUSTOM, images, content)
    _check(folder, images)
    counts = () if drawn else tuple(map(str, differences(dataset_card, images)))
    odd_sizes = {} if drawn else other_sizes(dataset_card, folder, images, cache)
    sizes = size_words(dataset_card, odd_sizes, len(images))
    return Raw(
        dataset=dataset_card.id,
        folder=folder,
        source=drawn or ("partial" if counts or sizes else "real"),
        images=images,
        lr_camera=content.lr_camera,
        native_lr=content.native_lr,
        test_sets=content.test_sets,
        notes=(*content.notes, *(f"the raw folder: {words}" for words in (*counts, *sizes))),
        other_counts=counts,
        other_sizes=sizes,
    )


def read_content(card: Card, folder: Path) -> RawContent:
    """Return what the reader of a data set finds in its raw folder; InputError as `open_raw`."""
    layout = reader(card.reader)
    if card.own is None:
        return layout.read(folder)
    return cast(OwnReader, layout).read(folder, card.own)


def _own_raw(
    card: Card, folder: Path, source: str, images: tuple[RawImage, ...], content: RawContent
) -> Raw:
    counted = replace(
        card,
        images=len(images),
        identities=len({image.pid for image in images if image.pid > 0 or not image.part}),
        cameras=len({image.camid for image in images} - {-1}),
        lr_cameras=content.lr_cameras,
    )
    return Raw(
        dataset=card.id,
        folder=folder,
        source=source,
        images=images,
        native_lr=content.native_lr,
        notes=content.notes,
        rates=content.rates,
        names=content.names,
        own=counted,
    )


def open_admitted(dataset: str | Card, source: Source, cache: Path) -> Raw:
    """Return `open_raw` for those who make something of the data that bears the name of its set.

    Raises InputError, too, when the folder is not what its card says, unless `source` admits that.
    """
    raw = open_raw(dataset, source, cache)
    faults = {
        "--partial": () if source.partial else raw.other_counts,
        "--other-sizes": () if source.other_sizes else raw.other_sizes,
    }
    flags = " ".join(option for option, words in faults.items() if words)
    if flags:
        listed = ", ".join(words for fault in faults.values() for words in fault)
        low = faults["--other-sizes"]
        warning = "; images down-sampled already would be so once more" if low else ""
        raise InputError(
            f"{raw.folder}: not {raw.card.title} as its owners give it out: {listed}{warning}"
            f"; `crossres datasets verify {raw.dataset}` lists what differs; {flags} takes it all "
            "the same, as partial data, whose numbers are never set beside published ones"
        )
    return raw


def raw_folder(card: Card, source: Source, cache: Path) -> Path:
    """Return the raw folder: given, in a given archive, or drawn; errors as `open_raw`."""
    if card.own is not None:
        return _own_folder(card, card.own, source)
    if source.root is None:
        return _twin(card, source, cache)
    return _find(card, Path(source.root), cache)


def _own_folder(card: Card, layout: Layout, source: Source) -> Path:
    folder = Path(card.folder if source.root is None else source.root)
    if not is_folder(folder):
        kind = "is no folder" if exists(folder) else "there is no such folder"
        raise InputError(
            f"{folder}: {kind}; {layout.definition or card.id} names it: correct its root there"
        )
    _refuse_export(folder)
    return folder


def _refuse_export(folder: Path) -> None:
    if is_file(folder / EXPORT_LIST):
        # Its LR images are down-sampled already; read as raw they would be so once more.
        raise InputError(f"{folder}: an export of crossres, not a raw folder; give the raw folder")


def twin_folder(card: Card, source: Source, cache: Path) -> Path:
    """Return the folder in the cache for the twin that a source means, drawn or not."""
    from crossres.datasets.twins import TWIN_VERSION

    name = f"{source.size}-v{TWIN_VERSION}-{card.id}" + (f"-{source.seed}" if source.seed else "")
    return cache / TWINS / name


def _twin(card: Card, source: Source, cache: Path) -> Path:
    """Return the raw folder of the twin in the cache, drawn there when it is not yet."""
    folder = twin_folder(card, source, cache)
    title = {"dataset": card.id, "size": source.size, "seed": source.seed}
    mark_used(cache, TWINS, folder.name, title)
    if not folder.is_dir():
        from crossres.datasets.twins import draw_twin

        with replace_folder(folder) as temporary:
            draw_twin(card.id, temporary, source.size, seed=source.seed)
    raw = reader(card.reader).find(folder)
    if raw is None:
        raise InputError(
            f"{folder}: the twin drawn here is damaged; delete this folder and it is drawn again"
        )
    return raw


def _find(card: Card, root: Path, cache: Path) -> Path:
    if not exists(root):
        raise InputError(f"{root}: there is no such folder; give the one that holds {card.folder}")
    folder = None if is_archive(root) else reader(card.reader).find(root)
    folder = folder or find_in_archive(card, root, cache)
    if folder is None:
        raise InputError(
            f"{root}: no raw folder of {card.id} here; expected {card.layout}; "
            f"obtain it from {card.obtain}"
        )
    _refuse_export(folder)
    return folder


def _check(folder: Path, images: tuple[RawImage, ...]) -> None:
    if not images:
        raise InputError(f"{folder}: holds no image; unpack the data set again")
    twice = [key for key, count in Counter(image.key for image in images).items() if count > 1]
    if twice:
        name = min(twice)
        raise InputError(f"{folder / name}: two files differ only in their suffix; remove one")
    train = {image.pid for image in images if image.part == "train" and image.pid > 0}
    both = [image for image in images if image.part not in ("", "train") and image.pid in train]
    if both:
        raise InputError(
            f"{folder / both[0].path}: its identity is in the training part, too; "
            "unpack the data set again"
        )
