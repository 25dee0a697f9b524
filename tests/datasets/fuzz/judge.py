"""Running one case and judging what came of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from case import Case, Kind
from oracle import INDEXES, Refusal

from crossres.datasets import (
    CARDS,
    InputError,
    Manifest,
    Raw,
    Source,
    build_manifest,
    open_raw,
    open_store,
)
from crossres.datasets.readers import reader

SECONDS = 10
STORE = (8, 4)  # height, width
# The default protocol, but where a named test list keeps the numbered cases what they are.
PROTOCOLS = {"mlr-vru": "vru-uniform4[test_list=1200]"}
# Layouts whose index comes from more than the names on disk.
READS_CONTENT = (
    "caviar",
    "mlr-cuhk03",
    "mlr-msmt17",
    "mlr-msmt17 v2",
    "mlr-veri",
    "mlr-vru",
    "vric",
    "mlr-sysu table",
)


@dataclass(frozen=True)
class Baseline:
    """What the raw folder of a layout gives when nothing was done to it."""

    raw: Raw
    digest: str
    store: str


@dataclass(frozen=True)
class Outcome:
    """`stage`: read, manifest or store, whichever the error came from; "" without one."""

    stage: str = ""
    error: str = ""
    raw: Raw | None = None
    manifest: Manifest | None = None
    store: str = ""


class Hang(BaseException):
    """A case that takes longer than SECONDS."""


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def run(dataset: str, root: Path, cache: Path, with_store: bool) -> Outcome:
    """Raw folder -> manifest -> store, up to the first InputError."""
    stage, raw, manifest, store = "read", None, None, ""
    try:
        raw = open_raw(dataset, Source(root), cache)
        stage = "manifest"
        manifest = build_manifest(raw, PROTOCOLS.get(dataset))
        stage = "store"
        if with_store:
            store = open_store(raw, manifest, *STORE, cache).digest
    except InputError as error:
        return Outcome(stage, str(error), raw, manifest)
    return Outcome("", "", raw, manifest, store)


def judge(case: Case, outcome: Outcome, baseline: Baseline, stored: bool) -> str:
    """What is wrong with the outcome; "" when nothing is."""
    if outcome.error:
        return _bad_text(case, outcome.error) or _unexplained(case, outcome, baseline)
    return _wrong_manifest(case, outcome, baseline) or (_not_refused(case, outcome, stored))


def _as_printed(path: Path) -> str:
    """The path as an InputError shows it."""
    return str(InputError(str(path)))


def _bad_text(case: Case, text: str) -> str:
    if "\n" in text or not text.isprintable() or not text.encode("utf-8"):
        return "the error is not one printable line"
    if _as_printed(case.home) not in text:
        return "the error names no file or folder"
    return "" if ";" in text else "the error gives no remedy"


def _kinds(case: Case) -> set[Kind]:
    """The kinds of the effects; where the index comes from content, content may be refused."""
    kinds = {effect.kind for effect in case.effects}
    content = {Kind.PIXELS, Kind.BROKEN}
    return kinds | {Kind.ANY} if case.layout in READS_CONTENT and kinds & content else kinds


def _unexplained(case: Case, outcome: Outcome, baseline: Baseline) -> str:
    """Why there should have been no error, or another one."""
    kinds = _kinds(case)
    if outcome.stage == "store":
        wrong = _wrong_manifest(case, replace(outcome, store=""), baseline)
        # By the name alone: a folder above may have been moved since.
        changed = [effect.path.name for effect in case.effects if effect.kind != Kind.HARMLESS]
        is_named = any(_as_printed(Path(name)) in outcome.error for name in changed)
        if not wrong and not is_named and Kind.ANY not in kinds:
            return "the store was refused though no image is damaged"
        return wrong
    if kinds & {Kind.ANY, Kind.REFUSED}:
        return ""
    if Kind.NAMES not in kinds:
        return "nothing that was done explains the error"
    return _unexplained_names(case, outcome)


def _unexplained_names(case: Case, outcome: Outcome) -> str:
    expected = _expected(case)
    if isinstance(expected, Refusal):
        is_named = any(_as_printed(path) in outcome.error for path in expected.paths)
        searched = "no raw folder" in outcome.error or "more than one" in outcome.error
        return "" if is_named or searched else f"the error should name {expected.paths[:3]}"
    few = "is left for" in outcome.error or "seen by both" in outcome.error
    if expected is not None and not few and case.dataset != "caviar":
        return "the names on disk are fine"
    return ""


def _expected(case: Case) -> list[object] | Refusal | None:
    if case.layout not in INDEXES or case.copied:
        return None
    return INDEXES[case.layout](case.folder)


def _wrong_manifest(case: Case, outcome: Outcome, baseline: Baseline) -> str:
    raw, manifest = outcome.raw, outcome.manifest
    assert raw is not None
    assert manifest is not None
    kinds = _kinds(case)
    if not kinds & {Kind.NAMES, Kind.REFUSED, Kind.ANY}:
        if raw.images != baseline.raw.images:
            return "the index changed"
        if manifest.digest != baseline.digest:
            return "the digest changed"
    expected = _expected(case)
    if isinstance(expected, Refusal):
        return f"should be refused for {expected.paths[:3]}"
    if expected is not None and list(raw.images) != expected:
        return "the index is not what the names on disk say"
    reversed_raw = replace(raw, images=tuple(reversed(raw.images)))
    if build_manifest(reversed_raw, PROTOCOLS.get(case.dataset)).digest != manifest.digest:
        return "the digest depends on the order of the images"
    harmless = case.only(Kind.HARMLESS) and outcome.store
    return "the pixels changed" if harmless and outcome.store != baseline.store else ""


def _not_refused(case: Case, outcome: Outcome, stored: bool) -> str:
    """Single effects that must be refused, and were not."""
    if len(case.effects) != 1 or outcome.manifest is None or outcome.raw is None:
        return ""
    effect = case.effects[0]
    if effect.kind == Kind.REFUSED:
        return "should be refused"
    files = reader(CARDS[case.dataset].reader)
    paths = outcome.manifest.table["path"]
    used = {files.source_file(outcome.raw.folder, path) for path in paths}
    broken = effect.kind == Kind.BROKEN and stored and effect.path in used
    return "the damaged image was not refused" if broken else ""
