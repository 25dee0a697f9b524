"""The conformance test that every method must pass, ours and anybody's plug-in.

It trains the method twice on a few drawn images, and once more with interruptions, and says in one
line what is wrong, if anything.
"""

import hashlib
import random
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_a
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.declaration import Grade
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.run import Checkpoints, Run
from crossres.methods.interface.training_data import Images, TrainSet

TOLERANCE = 1e-5
TEST_IMAGES = 7
INTERRUPTIONS = 6

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

    `method` is a registered name or a class, `options` are its options. The default profile,
    `small_profile(method)`, takes a second or two. Raises MethodCheckError at the first broken
    promise.
    """
    passed = []
    cls = _class_of(method)
    _check_declaration(cls)
    profile = small_profile(cls) if profile is None else as_a(Profile, profile, "profile")
    _check_options(cls, profile, options)
    passed += ["declaration", "options"]
    fitted, embeddings, told = _check_fit(cls, profile, options)
    passed += ["fit", "embed"]
    test = example_images(TEST_IMAGES, profile, "test")
    _check_embeddings(fitted, test, embeddings)
    _check_batches(fitted, test, embeddings)
    _check_distances(fitted, embeddings)
    _check_reconstructions(fitted, test)
    _check_rated(fitted, test, embeddings)
    passed += ["embeddings", "batches", "distances", "reconstructions"]
    _check_determinism(cls, profile, options, fitted, embeddings)
    passed.append("determinism")
    _check_resuming(cls, profile, options, told, fitted, embeddings)
    passed.append("resuming")
    _check_round_trip(cls, profile, options, fitted, embeddings)
    return [*passed, "save and load"]


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


def _check_declaration(cls: type[Method]) -> None:
    for attribute in ("name", "title", "reference"):
        value = getattr(cls, attribute, None)
        _require(isinstance(value, str) and bool(value), cls, f"{attribute} must be a text")
    grade = getattr(cls, "grade", None)
    _require(grade in get_args(Grade), cls, f"grade must be one of {', '.join(get_args(Grade))}")
    _require(isinstance(cls.needs_rate, bool), cls, "needs_rate must be True or False")
    _require(
        isinstance(cls.small_options, dict), cls, "small_options must be a dict of options by name"
    )
    options = getattr(cls, "Options", None)
    frozen = is_dataclass(options) and getattr(options, "__dataclass_params__").frozen  # noqa: B009
    _require(bool(frozen), cls, "Options must be a frozen dataclass with defaults for all fields")


def _check_options(cls: type[Method], profile: Profile, options: dict[str, Any]) -> None:
    with _explained(cls, "making the method with its options"):
        method = cls(profile, **options)
    _require(isinstance(method.options, cls.Options), cls, "options must be an instance of Options")
    unknown = "_".join(["no", "such", *(f.name for f in fields(cls.Options))])
    try:
        cls(profile, **{unknown: 1})
    except InputError:
        return
    raise MethodCheckError(f"{_label(cls)}: an unknown option must be refused with InputError")


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


def _check_fit(
    cls: type[Method], profile: Profile, options: dict[str, Any]
) -> tuple[Method, Embeddings, _Told]:
    train, told = example_train_set(profile), _Told()
    before, state = _content(train), _random_state()
    fitted, steps = _fit(cls, profile, options, train, told.run()), told.steps
    _require(_content(train) == before, cls, "fit must not write into the training data")
    _require(_random_state() == state, cls, "fit must leave the global random state as it was")
    counts = [count for count, _ in steps]
    ended = bool(steps) and steps[-1][0] == steps[-1][1] and counts == sorted(counts)
    _require(ended, cls, "fit must call progress(done, total) and end with done = total")
    test = example_images(TEST_IMAGES, profile, "test")
    copy, weights = test.copy(), fitted.parameters_digest()
    with _explained(cls, "embed"):
        embeddings = fitted.embed(test)
    _require(np.array_equal(test, copy), cls, "embed must not write into the images")
    _require(fitted.parameters_digest() == weights, cls, "embed must not change what was learned")
    _require(_random_state() == state, cls, "embed must leave the global random state as it was")
    return fitted, embeddings, told


def _check_embeddings(fitted: Method, test: Images, embeddings: Embeddings) -> None:
    cls, shape = type(fitted), getattr(embeddings, "shape", None)
    matrix = isinstance(embeddings, np.ndarray) and embeddings.ndim == 2
    _require(
        matrix and len(embeddings) == len(test),
        cls,
        f"embed must return (N, D), not {shape} for {len(test)} images",
    )
    _require(embeddings.dtype == np.float32, cls, f"embed returns {embeddings.dtype}, not float32")
    _require(bool(np.isfinite(embeddings).all()), cls, "embeddings must be finite")
    _require(bool(np.ptp(embeddings, axis=0).any()), cls, "all images have the same embedding")


def _check_batches(fitted: Method, test: Images, embeddings: Embeddings) -> None:
    cls = type(fitted)
    with _explained(cls, "embed of one image"):
        alone = np.concatenate([fitted.embed(test[k : k + 1]) for k in range(len(test))])
    _require(_close(alone, embeddings), cls, "embeddings depend on the other images of the call")
    turned = fitted.embed(np.ascontiguousarray(test[::-1]))[::-1]
    _require(_close(turned, embeddings), cls, "embeddings depend on the order of the images")
    several = fitted.embed(np.concatenate([test, test]))[: len(test)]
    _require(_close(several, embeddings), cls, "embeddings depend on the number of images")


def _check_rated(fitted: Method, test: Images, embeddings: Embeddings) -> None:
    """Check that rates from 0 to 4 give a matrix like that of `embed`.

    Without `needs_rate` it must be the same one.
    """
    cls, rates = type(fitted), np.arange(len(test), dtype=np.int64) % 5
    with _explained(cls, "embed_rated"):
        rated = fitted.embed_rated(test, rates)
        rows = [fitted.embed_rated(test[k : k + 1], rates[k : k + 1]) for k in range(len(test))]
    if not cls.needs_rate:
        unmoved = np.array_equal(rated, embeddings)
        _require(unmoved, cls, "embed_rated uses the rates, so needs_rate must be True")
    fits = rated.shape == embeddings.shape and rated.dtype == np.float32
    _require(fits, cls, "embed_rated must return what embed returns, (N, D) float32")
    _require(bool(np.isfinite(rated).all()), cls, "embeddings of embed_rated must be finite")
    alone = _close(np.concatenate(rows), rated)
    _require(alone, cls, "embeddings of embed_rated depend on the other images of the call")


def _check_distances(fitted: Method, embeddings: Embeddings) -> None:
    cls = type(fitted)
    query, gallery = embeddings[:2], embeddings[2:]
    with _explained(cls, "distances"):
        distances = fitted.distances(query, gallery)
    fits = distances.shape == (len(query), len(gallery)) and distances.dtype == np.float64
    _require(fits, cls, "distances must return (Q, G) float64")
    _require(bool(np.isfinite(distances).all()), cls, "distances must be finite")
    alone = fitted.distances(query[:1], gallery)
    _require(_close(alone, distances[:1]), cls, "distances depend on the other queries")


def _check_reconstructions(fitted: Method, test: Images) -> None:
    cls = type(fitted)
    with _explained(cls, "reconstructions"):
        rebuilt = fitted.reconstructions(test)
    for label, images in rebuilt.items():
        fits = images.shape == test.shape and images.dtype == np.uint8
        _require(fits, cls, f"reconstruction {label} must be uint8 of the shape of the input")


def _check_determinism(
    cls: type[Method],
    profile: Profile,
    options: dict[str, Any],
    fitted: Method,
    embeddings: Embeddings,
) -> None:
    with _other_global_seed():
        second = _fit(cls, profile, options, example_train_set(profile))
        alike = np.array_equal(
            second.embed(example_images(TEST_IMAGES, profile, "test")), embeddings
        )
    equal = second.parameters_digest() == fitted.parameters_digest()
    _require(equal, cls, "two trainings with the same seed learn different parameters")
    _require(alike, cls, "two trainings with the same seed give different embeddings")


class _Interruption(BaseException):
    """Ends a training as a killed process would: no method may catch it."""


class _Attempt:
    """A training that goes on from a checkpoint, if any, and is interrupted after some steps."""

    def __init__(
        self, after: Collection[int], files: Mapping[str, bytes] | None, until_then: _Told
    ) -> None:
        """`after`: numbers of steps; `until_then`: what it had told when `files` were kept."""
        self._after, self._files, self._until_then = after, files, until_then
        self.told, self.kept = _Told(), files
        self.resumed = files is None

    def run(self) -> Run:
        """Return its run, which raises _Interruption."""
        return self.told.run(Checkpoints(self._due, self._keep, self._files, self._resume))

    def _due(self) -> bool:
        return len(self.told.steps) in self._after

    def _keep(self, files: Mapping[str, bytes]) -> None:
        if self._due():
            self.kept = files
            raise _Interruption

    def _resume(self) -> None:
        self.resumed = True
        for name, values in vars(self._until_then).items():
            getattr(self.told, name)[:] = values


def _check_resuming(
    cls: type[Method],
    profile: Profile,
    options: dict[str, Any],
    told: _Told,
    fitted: Method,
    embeddings: Embeddings,
) -> None:
    """Interrupt a training after some of its steps, resume it each time, and compare its end.

    One that keeps no checkpoints is not interrupted.
    """
    count, after = len(told.steps), range(1, 1 + len(told.steps))
    after = after[:: max(1, count // INTERRUPTIONS)]
    resumed: Method | None = None
    attempt = _Attempt(after, None, _Told())
    with _other_global_seed():
        state = _random_state()
        while resumed is None:
            with suppress(_Interruption):
                resumed = _fit(cls, profile, options, example_train_set(profile), attempt.run())
            _require(attempt.resumed, cls, "fit must go on from the checkpoint that it kept")
            if resumed is None:
                done = len(attempt.told.steps)
                attempt = _Attempt([k for k in after if k > done], attempt.kept, attempt.told)
        _require(_random_state() == state, cls, "fit must leave the global random state as it was")
        test = example_images(TEST_IMAGES, profile, "test")
        alike = np.array_equal(resumed.embed(test), embeddings)
    for same, what in (
        (resumed.parameters_digest() == fitted.parameters_digest(), "learns other parameters"),
        (alike, "gives other embeddings"),
        (resumed.start == fitted.start, "says that it started elsewhere"),
        (attempt.told == told, "tells other losses, draws or progress"),
    ):
        promise = "what goes from one step to the next must be kept"
        _require(same, cls, f"a training that is interrupted and resumed {what}; {promise}")


def _check_round_trip(
    cls: type[Method],
    profile: Profile,
    options: dict[str, Any],
    fitted: Method,
    embeddings: Embeddings,
) -> None:
    loaded = cls(profile, **options)
    with tempfile.TemporaryDirectory() as folder, _explained(cls, "save and load"):
        fitted.save(Path(folder))
        loaded.load(Path(folder))
    equal = loaded.parameters_digest() == fitted.parameters_digest()
    _require(equal, cls, "save and load must keep every parameter")
    alike = np.array_equal(loaded.embed(example_images(TEST_IMAGES, profile, "test")), embeddings)
    _require(alike, cls, "a loaded method must give the same embeddings")


SILENT_RUN = Run(seed=0)


def _fit(
    cls: type[Method],
    profile: Profile,
    options: dict[str, Any],
    train: TrainSet,
    run: Run = SILENT_RUN,
) -> Method:
    method = cls(profile, **options)
    with _explained(cls, "fit"):
        method.fit(train, run)
    return method


def _close(left: NDArray[Any], right: NDArray[Any]) -> bool:
    scale = max(1.0, float(np.abs(right).max(initial=0.0)))
    return left.shape == right.shape and bool(np.abs(left - right).max() <= TOLERANCE * scale)


def _require(holds: bool, cls: type[Method], promise: str) -> None:
    if not holds:
        raise MethodCheckError(f"{_label(cls)}: {promise}")


def _label(cls: type[Method]) -> str:
    return f"method {getattr(cls, 'name', cls.__name__)}"


@contextmanager
def _explained(cls: type[Method], action: str) -> Iterator[None]:
    """Turn any exception inside into a MethodCheckError of one line that names the action."""
    try:
        yield
    except Exception as error:
        text = " ".join(str(error).split())
        raise MethodCheckError(
            f"{_label(cls)}: {action} raised {type(error).__name__}: {text}"
        ) from error


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
def _other_global_seed() -> Iterator[None]:
    """Seed the global generators anew inside, so that a method that relies on them is found out."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.random.manual_seed(1)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
