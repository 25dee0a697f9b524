"""A run that a results folder keeps: its request as JSON values, and a request of these again."""

import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from crossres.benchmark.config.cell_sets import CellSets, cell_sets
from crossres.benchmark.config.profiles import load_profile, profile_content, profile_names
from crossres.benchmark.config.tables import Table, load_table
from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.kept import DATASETS, TABLES, keep_definition
from crossres.benchmark.records.planned import (
    ExpectedCell,
    KeptRun,
    note_code,
    profile_digest,
    write_run,
)
from crossres.benchmark.runs.plan import Plan
from crossres.benchmark.runs.request import RunRequest
from crossres.datasets.base.build import build
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import default_cache
from crossres.datasets.cards import Card, card
from crossres.datasets.own.definition import card_from, entries_of
from crossres.datasets.own.names import write_names
from crossres.datasets.raw.source import Source
from crossres.methods.interface.profile import Profile

NOT_KEPT = ("out", "keys")  # the folder itself, and what of it was run


def keep_plan(out: Path, request: RunRequest, plan: Plan, commit: Commit | None) -> Path | None:
    """Write what a run is asked for and has planned into `out`/runs; return the path of the file.

    commit: that of the repository in which the run was started.

    Beside it, in datasets/, the definitions of users' own sets, and what their identities and
    cameras are called. None for a request of single keys: what it runs again is in the plan that
    asked for these, where only the code is noted anew.
    """
    for dataset, names in plan.names.items():
        write_names(out / DATASETS, dataset, names)
    jobs = [job for cell in plan.cells for job in cell.job.sets]
    for own in {job.own.id: job.own for job in jobs if job.own}.values():
        keep_definition(out, own)
    codes = plan.wanted.codes
    if request.keys is not None:
        made_by = {c.job.key: codes[c.job.cell.method, c.job.cell.dataset] for c in plan.cells}
        note_code(out, made_by)
        return None
    content = request_content(request)
    profile = request.whole_profile()
    methods = sorted({cell.job.cell.method for cell in plan.cells})
    digests = {method: profile_digest(profile_content(profile, method)) for method in methods}
    cells = [
        ExpectedCell(
            key=cell.job.key,
            title=cell.title,
            labels=cell.job.labels,
            cell=cell.job.cell,
            profile=digests[cell.job.cell.method],
            manifest=cell.job.manifest_digest,
            code=codes[cell.job.cell.method, cell.job.cell.dataset],
            seconds=cell.seconds,
        )
        for cell in plan.cells
    ]
    # A profile that has changed is asked for by the same command.
    name = {**content, "profile": {**content["profile"], "content": None}}
    return write_run(out, name, content, cells, at=time.time(), workers=plan.at_once, commit=commit)


def request_content(request: RunRequest) -> dict[str, Any]:
    """Return a request as JSON values, but for its folder; paths are whole ones."""
    content: dict[str, Any] = {}
    for field in fields(request):
        value = getattr(request, field.name)
        if field.name in NOT_KEPT:
            continue
        match value:
            case Table():
                content[field.name] = value.id
            case Source():
                content[field.name] = {**asdict(value), "root": value.root and _whole(value.root)}
            case Path():
                content[field.name] = _whole(value)
            case tuple():
                content[field.name] = [_dataset_content(item) for item in value]
            case _:
                content[field.name] = value
    if request.cache == default_cache():
        content["cache"] = None
    return {**content, "profile": _profile_content(request)}


def _dataset_content(dataset: Any) -> Any:
    """Return a data set of a request as JSON values, with all that a user's definition says."""
    match dataset:
        case Card():
            return dataset.id if dataset.own is None else entries_of(dataset)
        case CellSets(tested, trained_on):
            return {"test": _dataset_content(tested), "train": _dataset_content(trained_on)}
        case _:
            return dataset


def request_of(results: Path, kept: KeptRun, **changes: Any) -> RunRequest:
    """Return the request of a kept run, with the table and the profile as they were then.

    Raises InputError where it cannot be made again here.
    """
    content = dict(kept.request)
    table = results / TABLES / f"{kept.table}.toml"
    names = {field.name for field in fields(RunRequest)}
    try:
        loaded_table = load_table(table)  # before the profile, which may name methods of its files
        profile, source = content.pop("profile"), content.pop("source")
        loaded = build(Profile, profile["content"], f"{kept.path}: profile")
        named = _unchanged(profile["path"] or loaded.name, loaded)
        folder = content.get("weights_dir")
        with_folder = replace(loaded, weights_dir=None if folder is None else Path(folder))
        if source is not None:
            content["source"] = build(Source, source, f"{kept.path}: source")
        if content.get("datasets") is not None:
            content["datasets"] = [_dataset(kept.path, name) for name in content["datasets"]]
        content |= {
            "table": loaded_table,
            "profile": with_folder if named is None else named,
            "out": results,
        }
        known = {name: value for name, value in content.items() if name in names}
        return RunRequest(**{**known, **changes})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{kept.path}: not a kept run; remove it") from error


def _dataset(path: Path, name: Any) -> Any:
    """Return a data set as it was asked for: an id, what a user's definition said then, or two of
    these.
    """
    if isinstance(name, str):
        return name
    if {*name} == {"train", "test"}:
        return cell_sets(*(card(_dataset(path, name[part])) for part in ("train", "test")))
    return card_from(f"{path}: datasets", name, path.parent)


def _unchanged(name: str, profile: Profile) -> str | None:
    """Return the name or path of a profile, which tells estimates, too, if it is still the same."""
    try:
        return name if load_profile(name) == profile else None
    except InputError:
        return None


def _profile_content(request: RunRequest) -> dict[str, Any]:
    profile = request.whole_profile()
    given = request.profile
    is_path = not isinstance(given, Profile) and str(given) not in profile_names()
    content = asdict(profile)
    del content["weights_dir"]
    return {
        "name": profile.name,
        "path": _whole(Path(str(given))) if is_path else None,
        "content": content,
    }


def _whole(path: Path | str) -> str:
    return str(Path(path).expanduser().absolute())
