"""`crossres datasets sheet`."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossres.answer import Answer
from crossres.arguments import (
    NAME_OR_FILE,
    add_source,
    cache,
    command_parser,
    positive,
    seed,
    source,
    user_path,
)

if TYPE_CHECKING:
    from crossres.datasets import Manifest, Raw
    from crossres.datasets.pixels.samples import Sample
    from crossres.reports.charts.sheet import Measures, Panel

    Drawn = tuple[Raw, Manifest, list[Sample]]


def _sheet(options: argparse.Namespace) -> Answer:
    from crossres.benchmark import load_profile
    from crossres.datasets import Card, InputError, Source, open_admitted
    from crossres.datasets.base.files import write_atomically
    from crossres.datasets.own.definition import named_set
    from crossres.reports.charts.files import checked_format
    from crossres.reports.charts.sheet import Measures, most_identities, sheet

    checked_format(options.out.suffix)
    profile = load_profile(options.profile)
    sources = [source(options, profile.twin_size)]
    if options.data is not None:
        sources.append(Source(size=profile.twin_size))
    datasets = map(named_set, options.datasets)
    drawn = [(d, [Source()] if isinstance(d, Card) else sources) for d in datasets]
    size = Measures(profile.height, profile.width)
    most = most_identities(sum(len(origins) for _, origins in drawn), size)
    if options.identities > most:
        raise InputError(
            f"--identities {options.identities}: a sheet has room for {most} of each data set, "
            "with so many sets and images of this size; ask for fewer"
        )
    shown = [
        _draw(open_admitted(dataset, origin, cache(options)), options, size)
        for dataset, origins in drawn
        for origin in origins
    ]
    panels = [_panel(*entry) for entry in shown]
    write_atomically(options.out, sheet(panels, _notes(shown, size), options.out.suffix))
    content = {
        "sheet": str(options.out),
        "height": size.height,
        "width": size.width,
        "enlarged": size.enlarged,
        "shown": [_content(*entry) for entry in shown],
    }
    return Answer(content, _lines(shown, options.out))


def _draw(raw: "Raw", options: argparse.Namespace, size: "Measures") -> "Drawn":
    from crossres.datasets import build_manifest
    from crossres.datasets.pixels.samples import samples

    manifest = build_manifest(raw, options.protocol, options.seed)
    return raw, manifest, samples(raw, manifest, options.identities, size.height, size.width)


def _panel(raw: "Raw", manifest: "Manifest", samples: "Sequence[Sample]") -> "Panel":
    from crossres.datasets.raw.source_name import source_words
    from crossres.reports.charts.sheet import Panel

    words = (source_words(raw.source), *raw.other_counts[:1], *raw.other_sizes[:1])
    split = f"{manifest.protocol}, seed {manifest.seed}"
    return Panel(raw.card.title, f"{', '.join(words)}; {split}", samples)


def _notes(shown: "Sequence[Drawn]", size: "Measures") -> Iterator[str]:
    """Yield what stands below the images: how they are shown, and whose the real ones are."""
    from crossres.datasets.raw.source_name import is_twin

    yield (
        f"Images at {size.height} × {size.width} (height × width), as methods see them; each pixel "
        f"is {size.enlarged} × {size.enlarged} here, nothing is smoothed. Below an image: the size "
        "that its rate left."
    )
    for raw, _, _ in shown:
        if not is_twin(raw.source) and raw.own is None:
            owned = raw.card
            yield (
                f"{owned.title}: images from your own copy, under its owners' terms "
                f"({owned.licence}); crossres ships none."
            )


def _content(raw: "Raw", manifest: "Manifest", samples: "Sequence[Sample]") -> dict[str, Any]:
    return {
        "dataset": raw.dataset,
        "source": raw.source,
        "protocol": manifest.protocol,
        "seed": manifest.seed,
        "digest": manifest.digest,
        "identities": [
            {
                "pid": sample.pid,
                "gallery": sample.gallery_path,
                "query": sample.query_path,
                "rate": sample.query.rate,
            }
            for sample in samples
        ],
        "notes": list(manifest.notes),
    }


def _lines(shown: "Sequence[Drawn]", out: Path) -> Iterator[str]:
    yield f"wrote {out}"
    for raw, manifest, samples in shown:
        yield (
            f"  {raw.dataset}, source {raw.source}, {manifest.protocol}, seed {manifest.seed}: "
            f"identities {', '.join(str(sample.pid) for sample in samples)}"
        )


def add_command(within: Any) -> None:
    """Add the command to its group."""
    sheet = command_parser(
        within,
        "sheet",
        _sheet,
        "show a few identities as methods see them, real ones beside those of the twin",
        "crossres datasets sheet mlr-market mlr-vru\n"
        "crossres datasets sheet mlr-viper --data ~/reid --out viper.pdf",
    )
    sheet.add_argument("datasets", nargs="+", metavar="NAME|FILE.toml", help=NAME_OR_FILE)
    sheet.add_argument("--protocol", help="mlr-sing, mlr-perid, ... (default: the data set's)")
    sheet.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of the split (default: 0)"
    )
    sheet.add_argument(
        "--identities", type=positive, default=4, metavar="N", help="of each set (default: 4)"
    )
    sheet.add_argument(
        "--out",
        type=user_path,
        default=Path("sheet.png"),
        metavar="FILE",
        help="a .png, .pdf or .svg (default: sheet.png)",
    )
    add_source(sheet)
