"""The conformance test that every method must pass, ours and anybody's plug-in.

It trains the method twice on a few drawn images, and once more with interruptions, and says of each
promise whether it is kept. promises.toml lists them, each with its remedy.
"""

import hashlib
import random
import tempfile
import traceback
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_a
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.declaration import declaration_faults
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.promises import Checked, promises
from crossres.methods.interface.run import Checkpoints, Run
from crossres.methods.interface.training_data import Images, TrainSet

TOLERANCE = 1e-5
TEST_IMAGES = 7
INTERRUPTIONS = 6
FIRST_SEED, OTHER_SEED = 20_627, 30_803  # of the global generators: none that a method would take

SMALL = Profile(
    name="check",
    height=32,
    width=16,
    backbone={"name": "resnet-small", "weights": "none", "width": 4, "blocks": [1, 1, 1, 1]},
    train={"iterations": 3, "identities": 3, "hr_images": 2, "lr_images": 2},
)


class MethodCheckError(Exception):
    """A method breaks the contract; the text is one line that names the method and the promise."""


def check_method(
    method: str | type[Method], profile: Profile | None = None, **options: Any
) -> list[str]:
    """Try every promise of `Method` on drawn images; return the names of the checks that passed.

    `method` is a registered name, `FILE.py:Class` or a class, `options` are its options. The
    default profile, `small_profile(method)`, takes a second or two. Raises MethodCheckError at the
    first broken promise; `check_promises` goes on.
    """
    cls = _class_of(method)
    checks: dict[str, None] = {}
    with closing(_promises_of(cls, profile, options)) as all_checked:
        for checked in all_checked:
            if not checked.holds:
                raise MethodCheckError(f"{_label(cls)}: {checked.seen}; {checked.promise.remedy}")
            checks[checked.promise.check] = None
    return list(checks)


def check_promises(
    method: str | type[Method], profile: Profile | None = None, **options: Any
) -> list[Checked]:
    """Try what `check_method` tries; return all promises in order, each kept, broken or unknown.

    After a broken one those are unknown that nothing can be found out about.
    """
    checked = {c.promise.id: c for c in _promises_of(_class_of(method), profile, options)}
    broken = next((c.seen for c in checked.values() if not c.holds), "nothing was there to check")
    unknown = f"not checked: {broken}"
    return [checked.get(name, Checked(p, None, unknown)) for name, p in promises().items()]


def small_profile(*methods: str | type[Method]) -> Profile:
    """Return SMALL with the `small_options` of these methods, given by class or registered name."""
    classes = [_class_of(method) for method in methods]
    return replace(SMALL, methods={cls.name: cls.small_options for cls in classes})


def example_images(count: int, profile: Profile, purpose: str) -> Images:
    """Draw (count, H, W, 3) uint8 images of smooth colours and some grain, the same every time."""
    generator = np.random.default_rng([count, sum(purpose.encode())])
    coarse = generator.integers(0, 256, (count, 4, 2, 3)).astype(np.float64)
    rows, columns = -(-profile.height // 4), -(-profile.width // 2)
    smooth = coarse.repeat(rows, 1).repeat(columns, 2)[:, : profile.height, : profile.width]
    grain = generator.normal(0.0, 12.0, smooth.shape)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def example_train_set(profile: Profile, identities: int = 4) -> TrainSet:
    """Draw a TrainSet of 2 HR and 2 LR images an identity (the last has no LR and one HR image)."""
    looks = example_images(identities, profile, "train").astype(np.int64)
    noise = np.random.default_rng(7).integers(-20, 21, (4, *looks.shape))
    images = np.clip(looks + noise, 0, 255).astype(np.uint8).swapaxes(0, 1)
    flat = images.reshape(-1, *looks.shape[1:])[:-3]
    rates = np.tile(np.array([1, 1, 2, 4]), identities)[:-3].astype(np.int64)
    labels = np.repeat(np.arange(identities), 4)[:-3].astype(np.int64)
    hr = np.flatnonzero(rates == 1)
    variants = {rate: _blurred(flat[hr], rate) for rate in (2, 3, 4)}
    return TrainSet(flat, labels, rates % 2, rates, variants, hr)


def _blurred(images: Images, rate: int) -> Images:
    """Set each block of rate x rate pixels to its top left pixel: enough of an LR image here."""
    small = images[:, ::rate, ::rate].repeat(rate, 1).repeat(rate, 2)
    return np.ascontiguousarray(small[:, : images.shape[1], : images.shape[2]])


def _class_of(method: str | type[Method]) -> type[Method]:
    from crossres.methods.interface.registry import method_class

    if not isinstance(method, type):
        return method_class(method)
    if issubclass(method, Method):
        return method
    raise MethodCheckError(f"{method!r} is not a subclass of crossres.Method")


# --- one promise after the other ------------------------------------------------------------------

Found = TypeVar("Found")
Checks = Generator[Checked, None, Found]
"""Yields promises that were checked; returns what later checks need, None where it is not there."""


def _promises_of(
    cls: type[Method], profile: Profile | None, options: dict[str, Any]
) -> Checks[None]:
    """Yield the promises of a class that could be checked, each once, in order for one that keeps
    them.
    """
    if not (yield from _check_declaration(cls)):
        return
    profile = small_profile(cls) if profile is None else as_a(Profile, profile, "profile")
    making = _Making(cls, profile, options)
    if not (yield from _check_options(making)):
        return
    with _global_seed(FIRST_SEED):
        fitted = yield from _check_fit(making)
        if fitted is None:
            return
        embeddings = yield from _check_embed(fitted)
        if embeddings is not None:
            yield from _check_batches(fitted, embeddings)
            yield from _check_distances(fitted, embeddings)
            yield from _check_reconstructions(fitted)
            yield from _check_rated(fitted, embeddings)
    yield from _check_determinism(making, fitted, embeddings)
    yield from _check_resuming(making, fitted, embeddings)
    yield from _check_round_trip(making, fitted, embeddings)


def _checked(name: str, holds: bool, seen: str) -> Checked:
    return Checked(promises()[name], bool(holds), "" if holds else seen)


def _embeds(
    name: str, method: Method, images: Images, embeddings: Embeddings, said: str
) -> Checked:
    """Check that another method gives these very embeddings of the images."""
    others, seen = _tried("embed", lambda: method.embed(images))
    return _checked(name, others is not None and np.array_equal(others, embeddings), seen or said)


def _tried(action: str, call: Callable[[], Found]) -> tuple[Found | None, str]:
    """Return what a call returns, or None and in one line what it raised and where."""
    try:
        return call(), ""
    except Exception as error:
        text = " ".join(str(error).split())
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f" ({Path(frame.filename).name}, line {frame.lineno})"
        return None, f"{action} raised {type(error).__name__}: {text}{where}"


@dataclass(frozen=True)
class _Making:
    """All that a method is made of."""

    cls: type[Method]
    profile: Profile
    options: dict[str, Any]

    def __call__(self) -> Method:
        return self.cls(self.profile, **self.options)

    def fitted(self, run: Run, train: TrainSet | None = None) -> Method:
        """Return the method, trained."""
        method = self()
        method.fit(example_train_set(self.profile) if train is None else train, run)
        return method


@dataclass(frozen=True)
class _Fitted:
    """A trained method, the digest of what it has learned by then, and what its training told."""

    method: Method
    weights: str
    reports: "_Told"

    def embed(self, images: Images) -> Embeddings:
        """Embed a copy of the images: a method that writes into them is named once."""
        return self.method.embed(images.copy())

    @property
    def test(self) -> Images:
        """The test images."""
        return example_images(TEST_IMAGES, self.method.profile, "test")


def _check_declaration(cls: type[Method]) -> Checks[bool]:
    """Check the class variables; return whether a method can be made of the class."""
    faults = {fault.variable: fault.text for fault in reversed([*declaration_faults(cls)])}
    for promise, variables in (
        ("texts", ["name", "title", "reference"]),
        ("grade", ["grade"]),
        ("flags", ["needs_rate", "uses_backbone"]),
        ("small options", ["small_options"]),
        ("options class", ["Options"]),
    ):
        said = "; ".join(faults[variable] for variable in variables if variable in faults)
        yield _checked(promise, not said, said)
    return not faults.keys() & {"name", "small_options", "Options"}


def _check_options(making: _Making) -> Checks[bool]:
    method, seen = _tried("making the method with its options", making)
    yield _checked("made", method is not None, seen)
    if method is None:
        return False
    held = isinstance(method.options, making.cls.Options)
    yield _checked("options held", held, "options must be an instance of Options")
    name = "_".join(["no", "such", *(f.name for f in fields(making.cls.Options))])
    refused = False
    with suppress(Exception):
        try:
            making.cls(making.profile, **{name: 1})
        except InputError:
            refused = True
    yield _checked("unknown option", refused, "an unknown option must be refused with InputError")
    return held


@dataclass
class _Told:
    """What a training tells those who follow it."""

    steps: list[tuple[int, int]] = field(default_factory=list)
    losses: list[tuple[str, str]] = field(default_factory=list)  # a text, as NaN equals no NaN
    draws: list[bytes] = field(default_factory=list)

    def run(self, checkpoints: Checkpoints | None = None) -> Run:
        """Return the run of a training that tells it."""
        return Run(
            seed=0,
            progress=lambda done, total: self.steps.append((done, total)),
            record_loss=self._record_loss,
            record_draws=lambda *arrays: self.draws.extend(array.tobytes() for array in arrays),
            checkpoints=checkpoints,
        )

    def _record_loss(self, name: str, value: Any) -> None:
        """Refuse what is not a text and one number."""
        if not isinstance(name, str):
            raise TypeError(f"record_loss(name, value) takes a text and a number, not {name!r}")
        number = float(value.detach() if hasattr(value, "detach") else value)
        self.losses.append((name, number.hex()))


def _check_fit(making: _Making) -> Checks[_Fitted | None]:
    train, reports = example_train_set(making.profile), _Told()
    before, state = _content(train), _random_state()
    method, seen = _tried("fit", lambda: making.fitted(reports.run(), train))
    yield _checked("fit", method is not None, seen)
    if method is None:
        return None
    written = _content(train) != before
    yield _checked("fit data", not written, "fit must not write into the training data")
    alike = _random_state() == state
    yield _checked("fit random", alike, "fit must leave the global random state as it was")
    counts = [count for count, _ in reports.steps]
    ended = bool(counts) and counts[-1] == reports.steps[-1][1] and counts == sorted(counts)
    said = "fit must call progress(done, total) and end with done = total"
    yield _checked("fit progress", ended, said)
    weights, seen = _tried("arrays", method.parameters_digest)
    if weights is None:
        yield _checked("saved", False, seen)
        return None
    return _Fitted(method, weights, reports)


def _check_embed(fitted: _Fitted) -> Checks[Embeddings | None]:
    """Check `embed` and its embeddings; return these where they are of use to other checks."""
    state, images = _random_state(), fitted.test
    embeddings, seen = _tried("embed", lambda: fitted.method.embed(images))
    yield _checked("embed", not seen, seen)
    if seen:
        return None
    written = not np.array_equal(images, fitted.test)
    yield _checked("embed images", not written, "embed must not write into the images")
    steady = fitted.method.parameters_digest() == fitted.weights
    yield _checked("embed learned", steady, "embed must not change what was learned")
    alike = _random_state() == state
    yield _checked("embed random", alike, "embed must leave the global random state as it was")
    count, shape = len(images), getattr(embeddings, "shape", None)
    matrix = (
        isinstance(embeddings, np.ndarray)
        and embeddings.ndim == 2
        and len(embeddings) == count
        and embeddings.shape[1] > 0
    )
    said = (
        f"embed must return (N, D) with D of at least 1, not {shape or type(embeddings).__name__} "
        f"for {count} images"
    )
    yield _checked("matrix", matrix, said)
    if not matrix or embeddings is None:
        return None
    single = embeddings.dtype == np.float32
    yield _checked("float32", single, f"embed returns {embeddings.dtype}, not float32")
    if not np.issubdtype(embeddings.dtype, np.floating):
        return None
    finite = bool(np.isfinite(embeddings).all())
    yield _checked("finite", finite, "embeddings must be finite")
    if not finite:
        return None
    differ = bool(np.ptp(embeddings, axis=0).any())
    yield _checked("different", differ, "all images have the same embedding")
    return embeddings if steady else None


def _check_batches(fitted: _Fitted, embeddings: Embeddings) -> Checks[None]:
    test = fitted.test
    alone, seen = _tried(
        "embed of one image",
        lambda: np.concatenate([fitted.embed(test[k : k + 1]) for k in range(len(test))]),
    )
    close = alone is not None and _close(alone, embeddings)
    yield _checked("alone", close, seen or "embeddings depend on the other images of the call")
    turned, seen = _tried("embed", lambda: fitted.embed(np.ascontiguousarray(test[::-1]))[::-1])
    close = turned is not None and _close(turned, embeddings)
    yield _checked("order", close, seen or "embeddings depend on the order of the images")
    several, seen = _tried(
        "embed of more images", lambda: fitted.embed(np.concatenate([test, test]))[: len(test)]
    )
    close = several is not None and _close(several, embeddings)
    yield _checked("number", close, seen or "embeddings depend on the number of images")


def _check_rated(fitted: _Fitted, embeddings: Embeddings) -> Checks[None]:
    """Check that rates from 0 to 4 give a matrix like that of `embed`.

    Without `needs_rate` it must be the same one.
    """
    method, test = fitted.method, fitted.test
    rates = np.arange(len(test), dtype=np.int64) % 5

    def rated_alone() -> tuple[Embeddings, list[Embeddings]]:
        rows = [method.embed_rated(test[k : k + 1], rates[k : k + 1]) for k in range(len(test))]
        return method.embed_rated(test.copy(), rates.copy()), rows

    both, seen = _tried("embed_rated", rated_alone)
    yield _checked("rated", both is not None, seen)
    if both is None:
        return
    rated, rows = both
    unmoved = type(method).needs_rate or np.array_equal(rated, embeddings)
    yield _checked("rates told", unmoved, "embed_rated uses the rates, so needs_rate must be True")
    fits = getattr(rated, "shape", None) == embeddings.shape and rated.dtype == np.float32
    said = "embed_rated must return what embed returns, (N, D) float32"
    yield _checked("rated matrix", fits, said)
    if not fits:
        return
    finite = bool(np.isfinite(rated).all())
    yield _checked("rated finite", finite, "embeddings of embed_rated must be finite")
    alone = _close(np.concatenate(rows), rated)
    said = "embeddings of embed_rated depend on the other images of the call"
    yield _checked("rated alone", alone, said)


def _check_distances(fitted: _Fitted, embeddings: Embeddings) -> Checks[None]:
    query, gallery = embeddings[:2], embeddings[2:]
    distances, seen = _tried("distances", lambda: fitted.method.distances(query, gallery))
    yield _checked("distances", not seen, seen)
    shape = getattr(distances, "shape", None)
    if seen or distances is None:
        return
    fits = shape == (len(query), len(gallery)) and distances.dtype == np.float64
    yield _checked("distance matrix", fits, "distances must return (Q, G) float64")
    if shape != (len(query), len(gallery)):
        return
    finite = bool(np.isfinite(distances).all())
    yield _checked("distances finite", finite, "distances must be finite")
    alone, seen = _tried("distances", lambda: fitted.method.distances(query[:1], gallery))
    close = alone is not None and _close(alone, distances[:1])
    yield _checked("distances alone", close, seen or "distances depend on the other queries")


def _check_reconstructions(fitted: _Fitted) -> Checks[None]:
    test = fitted.test
    rebuilt, seen = _tried("reconstructions", lambda: fitted.method.reconstructions(test.copy()))
    wrong = [
        label
        for label, images in (rebuilt or {}).items()
        if getattr(images, "shape", None) != test.shape or images.dtype != np.uint8
    ]
    said = "".join(
        f"reconstruction {label} must be uint8 of the shape of the input" for label in wrong[:1]
    )
    yield _checked("reconstructions", not seen and not wrong, seen or said)


def _check_determinism(
    making: _Making, fitted: _Fitted, embeddings: Embeddings | None
) -> Checks[None]:
    with _global_seed(OTHER_SEED):
        second, seen = _tried("a second fit", lambda: making.fitted(SILENT_RUN))
        equal = second is not None and second.parameters_digest() == fitted.weights
        said = "two trainings with the same seed learn different parameters"
        yield _checked("same parameters", equal, seen or said)
        if second is not None and embeddings is not None:
            said = "two trainings with the same seed give different embeddings"
            yield _embeds("same embeddings", second, fitted.test, embeddings, said)


class _Interruption(BaseException):
    """Ends a training as a killed process would: no method may catch it."""


class _Attempt:
    """A training that goes on from a checkpoint, if any, and is interrupted after some steps."""

    def __init__(
        self, after: Collection[int], files: Mapping[str, bytes] | None, until_then: _Told
    ) -> None:
        """`after`: numbers of steps; `until_then`: what it had told when `files` were kept."""
        self._after, self._files, self._until_then = after, files, until_then
        self.reports, self.kept = _Told(), files
        self.resumed = files is None

    def run(self) -> Run:
        """Return its run, which raises _Interruption."""
        return self.reports.run(Checkpoints(self._due, self._keep, self._files, self._resume))

    def _due(self) -> bool:
        return len(self.reports.steps) in self._after

    def _keep(self, files: Mapping[str, bytes]) -> None:
        if self._due():
            self.kept = files
            raise _Interruption

    def _resume(self) -> None:
        self.resumed = True
        for name, values in vars(self._until_then).items():
            getattr(self.reports, name)[:] = values


def _check_resuming(
    making: _Making, fitted: _Fitted, embeddings: Embeddings | None
) -> Checks[None]:
    """Interrupt a training after some of its steps, resume it each time, and compare its end.

    One that keeps no checkpoints is not interrupted; of one without progress nothing is known.
    """
    reports, count = fitted.reports, len(fitted.reports.steps)
    if not count:
        return
    after = range(1, 1 + count)[:: max(1, count // INTERRUPTIONS)]
    with _global_seed(OTHER_SEED):
        state = _random_state()
        resumed, attempt, seen = _resumed(making, after)
        yield _checked("resumed", not seen, seen)
        if resumed is None:
            return
        alike = _random_state() == state
        said = "fit must leave the global random state as it was, resumed, too"
        yield _checked("resuming random", alike, said)
        said = "a training that is interrupted and resumed"
        equal = resumed.parameters_digest() == fitted.weights
        yield _checked("resumed parameters", equal, f"{said} learns other parameters")
        if embeddings is not None:
            other = f"{said} gives other embeddings"
            yield _embeds("resumed embeddings", resumed, fitted.test, embeddings, other)
        begun = resumed.start == fitted.method.start
        yield _checked("resumed start", begun, f"{said} says that it started elsewhere")
        same = attempt.reports == reports
        yield _checked("resumed told", same, f"{said} tells other losses, draws or progress")


def _resumed(making: _Making, after: Collection[int]) -> tuple[Method | None, _Attempt, str]:
    """Train with interruptions after these numbers of steps; return the method, the last attempt,
    and what went wrong, if anything.
    """
    attempt = _Attempt(after, None, _Told())
    while True:
        resumed, seen = None, ""
        with suppress(_Interruption):
            resumed, seen = _tried("fit", partial(making.fitted, attempt.run()))
        if not seen and not attempt.resumed:
            seen = "fit must go on from the checkpoint that it kept"
        if seen or resumed is not None:
            return (None if seen else resumed), attempt, seen
        done = len(attempt.reports.steps)
        attempt = _Attempt([k for k in after if k > done], attempt.kept, attempt.reports)


def _check_round_trip(
    making: _Making, fitted: _Fitted, embeddings: Embeddings | None
) -> Checks[None]:
    method = fitted.method
    weights = method.parameters_digest()

    def loaded_again() -> Method:
        loaded = making()
        with tempfile.TemporaryDirectory() as folder:
            method.save(Path(folder))
            loaded.load(Path(folder))
        return loaded

    loaded, seen = _tried("save and load", loaded_again)
    yield _checked("saved", loaded is not None, seen)
    if loaded is None:
        return
    equal = loaded.parameters_digest() == weights
    yield _checked("loaded parameters", equal, "save and load must keep every parameter")
    if embeddings is not None:
        said = "a loaded method must give the same embeddings"
        yield _embeds("loaded embeddings", loaded, fitted.test, embeddings, said)


SILENT_RUN = Run(seed=0)


def _close(left: NDArray[Any], right: NDArray[Any]) -> bool:
    scale = max(1.0, float(np.abs(right).max(initial=0.0)))
    return left.shape == right.shape and bool(np.abs(left - right).max() <= TOLERANCE * scale)


def _label(cls: type[Method]) -> str:
    return f"method {getattr(cls, 'name', cls.__name__)}"


def _content(train: TrainSet) -> str:
    arrays: list[NDArray[Any]] = [train.images, train.labels, train.camids, train.rates, train.hr]
    arrays += [train.variants[rate] for rate in sorted(train.variants)]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def _random_state() -> str:
    """Return a digest of the state of the global generators of Python, numpy and torch."""
    import torch

    parts = [repr(random.getstate()), repr(np.random.get_state(legacy=False))]  # noqa: NPY002
    parts.append(repr(torch.random.get_rng_state().tolist()))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed the global generators anew inside, so that a method that relies on them, or seeds them,
    is found out; and leave them as they were.
    """
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.random.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
