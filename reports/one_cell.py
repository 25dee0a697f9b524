"""One cell of a results folder, whole: what it is, how it was made, what it gave, and the command.

For people as lines, for programs as JSON values.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossres.benchmark.compare.rows import Rows
from crossres.benchmark.config.post_processing import in_words
from crossres.benchmark.config.profiles import load_profile, profile_content, profile_names
from crossres.benchmark.config.tables import Row, Table, built_in_tables
from crossres.benchmark.config.transfers import SIGN
from crossres.benchmark.measures.kernels import kernels_named
from crossres.benchmark.metrics.by_rate import over_all_rates, rate_of
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.artifacts import artifact_path
from crossres.benchmark.records.cell import TrainedOn, canonical_json
from crossres.benchmark.records.kept import TABLES, definition_path, kept_tables
from crossres.benchmark.records.planned import KeptRun, read_runs
from crossres.benchmark.records.record import (
    Record,
    read_record,
    record_content,
    record_path,
)
from crossres.benchmark.records.weights import has_weights, weights_path
from crossres.benchmark.runs.stale import CodeNow
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols.validation import is_validation, off_validation
from crossres.datasets.raw.source_name import CUSTOM, is_twin
from crossres.datasets.twins.sizes import TWIN_VERSION
from crossres.methods.interface.options import options_as_json
from crossres.methods.interface.registry import declaration, file_gone, is_method
from crossres.reports.page.commands import data_words, dataset_word, row_word
from crossres.reports.wording import (
    duration,
    memory,
    metric_title,
    percent,
    run_words,
    source_words,
)

AGAIN = "again"  # the folder that the command writes to, to compare with


@dataclass(frozen=True)
class ShownCell:
    """A cell and all that is known of it here.

    `rows` are (table id, label) of all its rows; `changed` its options that are not the method's
    own default: name -> (value, default). `command` makes it again, into the folder `AGAIN`; ""
    where no table has its row. `cautions` say why that may give another cell. `run`: the latest
    that planned it.
    """

    results: Path
    record: Record
    rows: tuple[tuple[str, str], ...]
    changed: Mapping[str, tuple[Any, Any]]
    has_artifact: bool
    has_weights: bool
    command: str
    cautions: tuple[str, ...]
    run: KeptRun | None


def show_cell(results: Path, key: str) -> ShownCell:
    """Read all that a results folder tells of one cell. InputError where its record is damaged."""
    record = read_record(record_path(results, key))
    rows = Rows(kept_tables(results))
    if not rows.indices(record):
        rows = Rows(built_in_tables())
    places = [rows.rows[index] for index in rows.indices(record)]
    run = read_runs(results).of_key(key)
    command = _command(results, record, *places[0], run) if places else ""
    return ShownCell(
        results,
        record,
        tuple(dict.fromkeys((table.id, row.label) for table, row in places)),
        _changed(record),
        artifact_path(results, key).is_file(),
        has_weights(results, record),
        command,
        tuple(_cautions(results, record, run, rows.reason(record))),
        run,
    )


def _changed(record: Record) -> dict[str, tuple[Any, Any]]:
    """Return the options that are not the method's own; all, of a method that is not known here."""
    options, method = record.cell.options, record.cell.method
    own = options_as_json(declaration(method).Options()) if is_method(method) else {}
    return {
        name: (value, own.get(name))
        for name, value in sorted(options.items())
        if name not in own or canonical_json(value) != canonical_json(own[name])
    }


# --- the command ----------------------------------------------------------------------------------


def _command(results: Path, record: Record, table: Table, row: Row, run: KeptRun | None) -> str:
    """Return the command that runs this cell, and no other, into the folder `AGAIN`."""
    cell, request = record.cell, dict(run.request) if run else {}
    words = ["crossres", "run", _table_word(results, table)]
    words += ["--rows", row_word(table, row), "--datasets", _dataset_word(results, record)]
    words += _protocol_words(record, table, row)
    words += ["--seeds", str(cell.seed)]
    if cell.data_seed is not None:
        words += ["--data-seed", str(cell.data_seed)]
    words += ["--profile", _profile_word(record, run)]
    source = request.get("source") or {}
    words += data_words(record, str(source.get("root") or "ROOT"))
    if kernels_named(record.environment.get("kernels")) == "native":
        words += ["--kernels", "native"]
    if request.get("weights_dir"):
        words += ["--weights-dir", str(request["weights_dir"])]
    return shlex.join([*words, "--out", AGAIN])


def _dataset_word(results: Path, record: Record) -> str:
    """Return the data set as the command takes it: of a user's own, the kept definition."""
    kept = {
        name: str(path)
        for name, source in record.cell.sources.items()
        if source == CUSTOM and (path := definition_path(results, name)).is_file()
    }
    ids = dict.fromkeys((record.cell.trained, record.cell.tested))
    return SIGN.join(kept.get(name) or dataset_word(name, record) for name in ids)


def _table_word(results: Path, table: Table) -> str:
    """Return a built-in table by its id, another one by the file that the folder keeps."""
    own = results / TABLES / f"{table.id}.toml"
    return table.id if table in built_in_tables() else str(own)


def _protocol_words(record: Record, table: Table, row: Row) -> list[str]:
    words = ["--validation"] if is_validation(record.cell.protocol) else []
    protocol, card = off_validation(record.cell.protocol), CARDS.get(record.cell.tested)
    is_usual = not table.protocols and card is not None and card.protocol == protocol
    if table.is_by_row or row is table.oracle or is_usual:
        return words
    return [*words, "--protocol", protocol]


def _profile_word(record: Record, run: KeptRun | None) -> str:
    name = record.cell.profile
    if name in profile_names() and _is_of(name, record):
        return name
    path = _profile_path(run)
    return path if path is not None else f"PATH/TO/{name}.toml"


def _profile_path(run: KeptRun | None) -> str | None:
    path = run.request.get("profile", {}).get("path") if run else None
    return path if isinstance(path, str) else None


def _is_of(profile: str, record: Record) -> bool:
    """Say whether a profile, as it is now, says of the method what it said for the record."""
    try:
        content = profile_content(load_profile(profile), record.cell.method)
    except InputError:
        return False
    return canonical_json(content) == canonical_json(record.profile)


def _cautions(results: Path, record: Record, run: KeptRun | None, no_row: str) -> Iterator[str]:
    """Say why the command may give another cell, or another result."""
    cell = record.cell
    if no_row:
        yield f"no table that is kept here or built in has its row: {no_row}"
        return
    word = _profile_word(record, run)
    if not _is_of(word, record):
        yield (
            f"the profile {cell.profile} as it was then is not at {word}: the command needs a file "
            "that says the same"
        )
    if is_twin(cell.source):
        size, _, version = cell.source.removeprefix("twin:").partition(":")
        if size != _twin_size(record) or version.partition(":")[0] != str(TWIN_VERSION):
            yield f"{cell.source}: the command draws twin:{_twin_size(record)}:{TWIN_VERSION}"
    for name, source in cell.sources.items():
        if source == CUSTOM and not definition_path(results, name).is_file():
            yield f"no definition of {name} is kept here: put the path of its own instead"
    if {"real", "partial"} & {*cell.sources.values()} and not (run and run.request.get("source")):
        yield "it is not known where the data lay: put its folder in place of ROOT"
    gone = file_gone(cell.method)
    if gone is not None:
        yield f"{gone}, the file of method {cell.method}, is no longer there: the command needs it"
    elif CodeNow().digest(cell) != record.digests["code"]:
        yield "the code has changed since, so the result may be another one"


def _twin_size(record: Record) -> str:
    """Return the size of the twins that the record's profile asks for."""
    return str(record.profile.get("twin_size", ""))


# --- for people and programs ----------------------------------------------------------------------


def cell_json(shown: ShownCell) -> dict[str, Any]:
    """Return the record as it is in its file, and what else is known of the cell."""
    record = shown.record
    return {
        "results": str(shown.results),
        "rows": [{"table": table, "label": label} for table, label in shown.rows],
        "changed_options": {
            name: {"value": value, "default": own} for name, (value, own) in shown.changed.items()
        },
        "record": record_content(record),
        "last_run": shown.run.when_json() if shown.run else None,
        "files": {name: str(path) for name, path in _files(shown).items()},
        "command": shown.command,
        "cautions": list(shown.cautions),
    }


def cell_lines(shown: ShownCell) -> Iterator[str]:
    """Tell people of a cell, part by part."""
    record = shown.record
    yield f"cell {record.key}"
    for title, entries in _parts(shown).items():
        yield ""
        yield title
        width = max(map(len, entries), default=0)
        yield from (f"  {name:{width}}  {text}" for name, text in entries.items())
    for rule in record.metrics:
        yield ""
        yield f"numbers, {rule} gallery, per cent"
        yield from _number_lines(record.metrics[rule])
    again = list(shown.cautions)
    if shown.command:
        compare = f"crossres report {shlex.quote(str(shown.results))} --against {AGAIN}"
        again += [shown.command, compare]
    for title, lines in {"notes": record.notes, "the same cell again": again}.items():
        if lines:
            yield ""
            yield title
            yield from (f"  {line}" for line in lines)


def _parts(shown: ShownCell) -> dict[str, dict[str, str]]:
    record, cell = shown.record, shown.record.cell
    rows = "; ".join(f"{label} ({table})" for table, label in shown.rows)
    data = f"{cell.tested}, {source_words(cell.sources[cell.tested])}, {cell.protocol}"
    seed = str(cell.seed) if cell.data_seed is None else f"{cell.seed} on data {cell.data_seed}"
    size = f"{record.profile.get('height')} x {record.profile.get('width')}"
    what = {
        "row": rows or "of no table that is kept here or built in",
        "method": cell.method,
        "post-processing": in_words(cell.post_processing) or "none",
        "data": data,
        **({"trained on": _trained_on(cell.trained_on)} if cell.trained_on else {}),
        "seed": seed,
        "profile": f"{cell.profile}, images of {size} (height x width)",
    }
    options = {
        name: _option_text(value, own, known=is_method(cell.method))
        for name, (value, own) in shown.changed.items()
    }
    seconds = {phase: duration(spent) for phase, spent in record.seconds.items()}
    counts = {name.replace("_", " "): f"{number:,}" for name, number in record.counts.items()}
    how = {name: str(value) for name, value in sorted(record.environment.items())}
    return {
        "what": what,
        "options unlike the method's own": options or {"none": ""},
        "how": {"last run": run_words(shown.run), **how} if shown.run else how,
        "digests": dict(record.digests),
        "counts": counts,
        "time and memory": seconds | {"peak memory": memory(record.peak_memory_bytes)},
        "files": {name: str(path) for name, path in _files(shown).items()},
    }


def _trained_on(data: TrainedOn) -> str:
    return f"{data.dataset}, {source_words(data.source)}, {data.protocol}"


def _files(shown: ShownCell) -> dict[str, Path]:
    results, key = shown.results, shown.record.key
    files = {"record": record_path(results, key)}
    if shown.has_artifact:
        files["artifact"] = artifact_path(results, key)
    if shown.has_weights:
        files["weights"] = weights_path(results, key)
    return files


def _option_text(value: Any, own: Any, *, known: bool) -> str:
    text = canonical_json(value).decode()
    return f"{text}  (default {canonical_json(own).decode()})" if known else text


def _number_lines(metrics: Mapping[str, float]) -> Iterator[str]:
    """Lay the metrics out: a line for all queries, then one for those of each rate."""
    rates = sorted({rate for metric in metrics if (rate := rate_of(metric)) is not None})
    yield f"  {'queries':10}" + "".join(f"{metric_title(metric):>9}" for metric in METRICS)
    for rate in (None, *rates):
        by_name = {over_all_rates(m): v for m, v in metrics.items() if rate_of(m) == rate}
        texts = [percent(by_name[m]) if m in by_name else "–" for m in METRICS]
        name = "all" if rate is None else f"rate {rate}"
        yield f"  {name:10}" + "".join(f"{text:>9}" for text in texts)
