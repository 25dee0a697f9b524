"""The conformance test passes for our methods and catches methods that break a promise."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.datasets import InputError
from crossres.methods import MethodCheckError, check_method
from crossres.methods.interface.conformance import (
    check_promises,
    example_images,
    example_train_set,
    small_profile,
)
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.promises import promises
from crossres.methods.interface.registry import method_names
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.plain import Plain, PlainNetwork
from crossres.methods.shared.checkpoints import kept
from crossres.methods.shared.training.schedule import make_optimiser
from tests.methods.mean_method import Mean

SMALL = small_profile("msifla")

CHECKS = [
    "declaration",
    "options",
    "fit",
    "embed",
    "embeddings",
    "batches",
    "distances",
    "reconstructions",
    "rates",
    "determinism",
    "resuming",
    "save and load",
]

VARIANTS: list[dict[str, Any]] = [
    {"scales": (1,)},
    {"reid": "shared"},
    {},
    {"scales": (4, 3, 2, 1)},
    {"ir_output": "direct", "ir_layout": "stride1", "ir_space": "normalised"},
    {"ir_batchnorm": True, "part_head": "bnneck", "optimiser": "adamw", "embed_flip": True},
    {"part_head": "pcb", "part_width": 8, "optimiser": "sgd", "steps": "accumulated"},
    {"crop": 2, "erase": 0.5, "reid_inputs": "batch+variants", "ir_loss": "sum", "ir_lr": 1e-6},
    {"reid_grad_to_ir": False, "ir_detach": True, "triplet_normalise": True, "reid_warmup": 0.5},
    {"test_normalise": "whole", "ir_warmup": 0.5, "ir_images": 1, "hardest": "per-image"},
]


@pytest.mark.parametrize("name", method_names())
def test_every_registered_method_passes(name: str) -> None:
    assert check_method(name) == CHECKS


@pytest.mark.parametrize("options", VARIANTS, ids=lambda o: ",".join(map(str, o)) or "full")
def test_every_option_of_msifla_passes(options: dict[str, Any]) -> None:
    check_method("msifla", **options)


def test_a_method_outside_the_package_passes() -> None:
    assert check_method(Mean) == CHECKS
    assert check_method(Mean, bins=4) == CHECKS


def test_a_method_that_is_told_the_rates_passes_when_it_says_so() -> None:
    assert check_method(Rated) == CHECKS


class ManyBins(Mean):
    """Trains with its small options alone."""

    small_options: ClassVar[dict[str, Any]] = {"bins": 8}

    def fit(self, train: TrainSet, run: Run) -> None:
        assert self.options.bins == 8
        super().fit(train, run)


class ManyBinsToo(ManyBins):
    pass


def test_the_check_takes_the_small_options_of_the_class() -> None:
    assert check_method(ManyBinsToo) == CHECKS
    with pytest.raises(MethodCheckError, match="AssertionError"):
        check_method(ManyBinsToo, bins=4)
    with pytest.raises(MethodCheckError, match="AssertionError"):
        check_method(ManyBinsToo, SMALL)


class NoSuchSmallOption(Mean):
    small_options: ClassVar[dict[str, Any]] = {"bin": 8}


class SmallOptionsAsAList(Mean):
    small_options: ClassVar[Any] = ["bins"]


class BatchDependent(Mean):
    """Centres on the images it is given, as a network in training mode does."""

    def embed(self, images: Images) -> Embeddings:
        colours = self._colours(images)
        return np.asarray(colours - colours.mean(0, keepdims=True), dtype=np.float32)


class OrderDependent(Mean):
    def embed(self, images: Images) -> Embeddings:
        return super().embed(images) + np.arange(len(images), dtype=np.float32)[:, None]


class CountDependent(Mean):
    def embed(self, images: Images) -> Embeddings:
        return super().embed(images) + np.float32(len(images) > TOO_MANY)


TOO_MANY = 10


class LearnsFromTest(Mean):
    def embed(self, images: Images) -> Embeddings:
        embeddings = super().embed(images)
        self.centre = self.centre + 1
        return embeddings


class Nondeterministic(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        super().fit(train, run)
        state = np.random.get_state()  # noqa: NPY002
        self.centre = self.centre + np.random.rand(1).astype(np.float32)  # noqa: NPY002
        np.random.set_state(state)  # noqa: NPY002


class TouchesNumpyState(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        super().fit(train, run)
        np.random.seed(run.seed)  # noqa: NPY002


class TouchesTorchState(Mean):
    def embed(self, images: Images) -> Embeddings:
        torch.manual_seed(5)
        return super().embed(images)


class WritesTrain(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        train.images[:] = train.images[:, :, ::-1].copy()
        super().fit(train, run)


class WritesVariants(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        train.variants[2][0] += 1
        super().fit(train, run)


class WritesTest(Mean):
    def embed(self, images: Images) -> Embeddings:
        images[:] = 255 - images
        return super().embed(images)


class Silent(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        super().fit(train, Run(run.seed))


class StopsHalfWay(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        super().fit(train, Run(run.seed))
        run.progress(1, 2)


class Double(Mean):
    def embed(self, images: Images) -> Embeddings:
        return super().embed(images).astype(np.float64)  # type: ignore[return-value]


class Infinite(Mean):
    def embed(self, images: Images) -> Embeddings:
        with np.errstate(divide="ignore"):
            return super().embed(images) / np.float32(0)


class Flat(Mean):
    def embed(self, images: Images) -> Embeddings:
        return super().embed(images).ravel()


class Empty(Mean):
    def embed(self, images: Any) -> Any:
        return super().embed(images)[:, :0]


class Constant(Mean):
    def embed(self, images: Images) -> Embeddings:
        return np.ones((len(images), 3), dtype=np.float32)


class Forgets(Mean):
    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.centre = arrays["centre"] * 0


class KeepsSecrets(Mean):
    """What it needs is not all in `arrays`, so that loading changes the embeddings."""

    scale = np.float32(1)

    def fit(self, train: TrainSet, run: Run) -> None:
        super().fit(train, run)
        self.scale = np.float32(2)

    def embed(self, images: Images) -> Embeddings:
        return super().embed(images) * self.scale


class Raises(Mean):
    def fit(self, train: TrainSet, run: Run) -> None:
        raise RuntimeError(f"out of\nideas after {run.seed} of {len(train.images)}")


class RatedInSecret(Mean):
    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        return self.embed(images) * rates.astype(np.float32)[:, None]


class Rated(RatedInSecret):
    needs_rate: ClassVar[bool] = True


class RatedByTheLast(Rated):
    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        return self.embed(images) * np.float32(1 + rates[-1])


class RatedDouble(Rated):
    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Any:
        return super().embed_rated(images, rates).astype(np.float64)


class RatedInfinite(Rated):
    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        with np.errstate(divide="ignore"):
            return self.embed(images) / rates.astype(np.float32)[:, None]


class SingleDistances(Mean):
    def distances(self, query: Embeddings, gallery: Embeddings) -> Any:
        return super().distances(query, gallery).astype(np.float32)


class RelativeDistances(Mean):
    def distances(self, query: Embeddings, gallery: Embeddings) -> Any:
        distances = super().distances(query, gallery)
        return distances / distances.sum()


class WrongReconstruction(Mean):
    def reconstructions(self, images: Images) -> dict[str, Images]:
        return {"IR_1": images[:, ::2]}


class Ungraded(Mean):
    grade: ClassVar[Any] = "excellent"


class Unnamed(Mean):
    title: ClassVar[str] = ""


@dataclass
class Thawed:
    bins: int = 2
    names: list[str] = field(default_factory=list)


class MutableOptions(Mean):
    Options: ClassVar[type] = Thawed


class Undecorated(Mean.Options):  # type: ignore[name-defined,misc]
    stripes: int = 3


class OptionsWithoutADecorator(Mean):
    """A class of options whose own ones would be none: the usual slip."""

    Options: ClassVar[type] = Undecorated


class TakesAnything(Mean):
    def __init__(self, profile: Any, **options: Any) -> None:
        super().__init__(profile, **{k: v for k, v in options.items() if k == "bins"})


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (BatchDependent, "embeddings depend on the other images of the call"),
        (OrderDependent, "embeddings depend on the other images of the call"),
        (CountDependent, "embeddings depend on the number of images"),
        (LearnsFromTest, "embed must not change what was learned"),
        (Nondeterministic, "two trainings with the same seed learn different parameters"),
        (TouchesNumpyState, "fit must leave the global random state as it was"),
        (TouchesTorchState, "embed must leave the global random state as it was"),
        (WritesTrain, "fit must not write into the training data"),
        (WritesVariants, "fit must not write into the training data"),
        (WritesTest, "embed must not write into the images"),
        (Silent, "fit must call progress"),
        (StopsHalfWay, "end with done = total"),
        (Double, "embed returns float64, not float32"),
        (Infinite, "embeddings must be finite"),
        (Flat, "embed must return (N, D) with D of at least 1, not (42,) for 7 images"),
        (Empty, "embed must return (N, D) with D of at least 1, not (7, 0) for 7 images"),
        (Constant, "all images have the same embedding"),
        (Forgets, "save and load must keep every parameter"),
        (KeepsSecrets, "a loaded method must give the same embeddings"),
        (Raises, "fit raised RuntimeError: out of ideas after 0 of 13"),
        (RatedInSecret, "embed_rated uses the rates, so needs_rate must be True"),
        (RatedByTheLast, "embeddings of embed_rated depend on the other images of the call"),
        (RatedDouble, "embed_rated must return what embed returns, (N, D) float32"),
        (RatedInfinite, "embeddings of embed_rated must be finite"),
        (SingleDistances, "distances must return (Q, G) float64"),
        (RelativeDistances, "distances depend on the other queries"),
        (WrongReconstruction, "reconstruction IR_1 must be uint8 of the shape of the input"),
        (Ungraded, "grade must be one of faithful, "),
        (Unnamed, "title must be a text"),
        (MutableOptions, "Options must be a frozen dataclass"),
        (OptionsWithoutADecorator, "of its own, so these are no options: stripes"),
        (NoSuchSmallOption, "method mean has no option 'bin' (did you mean 'bins'?)"),
        (SmallOptionsAsAList, "small_options must be a dict of options by name"),
        (TakesAnything, "an unknown option must be refused with InputError"),
    ],
)
def test_broken_methods_are_caught_in_one_line(broken: type[Method], promise: str) -> None:
    with pytest.raises(MethodCheckError) as caught:
        check_method(broken)
    assert promise in str(caught.value)
    assert str(caught.value).startswith("method mean: ")
    assert "\n" not in str(caught.value)


def gradient_step(method: Plain, network: PlainNetwork, train: TrainSet, run: Run) -> Iterator[Any]:
    """Yield the iterations of a training of classifiers alone, each before its step."""
    head = [weight for name, weight in network.named_parameters() if "trunk" not in name]
    optimiser = make_optimiser("sgd", head, 0.1, 0.0)
    for now in method.iterations(network, train, run):
        optimiser.zero_grad()
        device = torch.device("cpu")
        network.loss(now.inputs(device), now.labels(device), None).backward()  # type: ignore[no-untyped-call]
        yield now
        optimiser.step()


class DrawsNoise(Plain):
    """Adds noise to a weight, from a generator that checkpoints keep or not."""

    hides: ClassVar[bool] = False

    def train(self, network: PlainNetwork, train: TrainSet, run: Run) -> None:
        generator = np.random.default_rng(run.seed_for("noise"))
        if not self.hides:
            kept(generator)
        for _ in gradient_step(self, network, train, run):
            network.reid[0].bias.data += float(generator.normal())


class HidesNoise(DrawsNoise):
    hides = True


class HidesMoments(Plain):
    """Makes its optimiser past `make_optimiser`, without keeping it."""

    hides: ClassVar[bool] = True

    def train(self, network: PlainNetwork, train: TrainSet, run: Run) -> None:
        adam = torch.optim.Adam(network.parameters())
        if not self.hides:
            kept(adam)
        for now in gradient_step(self, network, train, run):
            adam.step()
            run.record_loss("rate", now.elapsed)


class KeepsMoments(HidesMoments):
    hides = False


class HidesJudge(Plain):
    """Learns another network beside its own, which nobody learns of."""

    def train(self, network: PlainNetwork, train: TrainSet, run: Run) -> None:
        judge = torch.zeros(1)
        for _ in gradient_step(self, network, train, run):
            judge += network.reid[0].bias.grad.abs().sum()
            network.reid[0].bias.data += judge


class HidesLoss(Plain):
    """Records a mean over its steps so far."""

    def train(self, network: PlainNetwork, train: TrainSet, run: Run) -> None:
        seen = list[float]()
        for now in gradient_step(self, network, train, run):
            seen.append(float(now.batch.mirrored.mean()))
            run.record_loss("mirrored so far", float(np.mean(seen)))


class CountsInItself(Plain):
    """Counts steps in an attribute that is not kept."""

    count = 0

    def train(self, network: PlainNetwork, train: TrainSet, run: Run) -> None:
        for _ in gradient_step(self, network, train, run):
            self.count += 1

    def embed(self, images: Images) -> Embeddings:
        return super().embed(images) * np.float32(self.count)


class AddsUpMore(Mean):
    """Adds up colours image by image, and keeps checkpoints of its own."""

    def fit(self, train: TrainSet, run: Run) -> None:
        total, first, c = np.zeros(6), 0, run.checkpoints
        if c is not None and c.files is not None:
            total, first = self.taken_up(c.files)
            c.resumed()
        colours = self._colours(train.images)
        for k in range(first, len(colours)):
            total += colours[k]
            run.record_loss("total", total.sum())
            run.progress(k + 1, len(colours))
            if c is not None and c.due():
                c.keep({"sum.json": json.dumps([total.tolist(), k + 1]).encode()})
        self.centre = total.astype(np.float32)

    def taken_up(self, files: Mapping[str, bytes]) -> tuple[NDArray[np.float64], int]:
        total, first = json.loads(files["sum.json"])
        return np.array(total), first


class ForgetsTheSum(AddsUpMore):
    def taken_up(self, files: Mapping[str, bytes]) -> tuple[NDArray[np.float64], int]:
        return np.zeros(6), super().taken_up(files)[1]


class StartsAnew(AddsUpMore):
    """Keeps what it never takes up."""

    def fit(self, train: TrainSet, run: Run) -> None:
        assert run.checkpoints is None or run.checkpoints.due is not None
        anew = run.checkpoints and replace(run.checkpoints, files=None)
        super().fit(train, replace(run, checkpoints=anew))


class SetsTheGenerator(AddsUpMore):
    def taken_up(self, files: Mapping[str, bytes]) -> tuple[NDArray[np.float64], int]:
        torch.manual_seed(1234)
        return super().taken_up(files)


@pytest.mark.parametrize("method", [DrawsNoise, KeepsMoments, AddsUpMore])
def test_methods_that_keep_what_they_need_can_be_resumed(method: type[Method]) -> None:
    assert check_method(method) == CHECKS


INTERRUPTED = "a training that is interrupted and resumed "


@pytest.mark.parametrize(
    ("hiding", "promise"),
    [
        (HidesNoise, INTERRUPTED + "learns other parameters"),
        (HidesMoments, INTERRUPTED + "learns other parameters"),
        (HidesJudge, INTERRUPTED + "learns other parameters"),
        (CountsInItself, INTERRUPTED + "gives other embeddings"),
        (HidesLoss, INTERRUPTED + "tells other losses, draws or progress"),
        (ForgetsTheSum, INTERRUPTED + "learns other parameters"),
        (StartsAnew, "fit must go on from the checkpoint that it kept"),
        (SetsTheGenerator, "fit must leave the global random state as it was"),
    ],
)
def test_methods_that_hide_what_goes_from_step_to_step_are_caught(
    hiding: type[Method], promise: str
) -> None:
    with pytest.raises(MethodCheckError) as caught:
        check_method(hiding)
    assert str(caught.value).startswith(f"method {hiding.name}: {promise}")
    assert "\n" not in str(caught.value)


def test_a_method_is_told_of_every_promise_and_each_has_its_remedy() -> None:
    checked = check_promises(Rated)
    assert [c.promise for c in checked] == [*promises().values()]
    assert all(c.holds and not c.seen for c in checked)
    assert list(dict.fromkeys(c.promise.check for c in checked)) == CHECKS
    assert all(len(promise.remedy) > 20 for promise in promises().values())


class Careless(TouchesNumpyState, Double, SingleDistances, Forgets):
    """Breaks four promises that have nothing to do with each other."""

    grade: ClassVar[Any] = "excellent"


OF_EMBEDDINGS = ("embeddings", "batches", "distances", "reconstructions", "rates")


def after(name: str) -> set[str]:
    """The promises that come after this one."""
    names = [*promises()]
    return {*names[names.index(name) + 1 :]}


class RaisesAtTest(Mean):
    def embed(self, images: Images) -> Embeddings:
        raise ValueError(f"no\nluck with {len(images)}")


@pytest.mark.parametrize(
    ("method", "broken", "unknown"),
    [
        (
            Careless,
            {"grade", "fit random", "float32", "distance matrix", "rated matrix"}
            | {"resuming random", "loaded parameters", "loaded embeddings"},
            {"rated finite", "rated alone"},
        ),
        (Raises, {"fit"}, after("fit")),
        (
            RaisesAtTest,
            {"embed"},
            {"embed images", "embed learned", "embed random", "same embeddings"}
            | {"resumed embeddings", "loaded embeddings"}
            | {n for n, p in promises().items() if p.check in OF_EMBEDDINGS},
        ),
    ],
)
def test_after_a_broken_promise_the_others_are_checked(
    method: type[Method], broken: set[str], unknown: set[str]
) -> None:
    checked = check_promises(method)
    assert {c.promise.id for c in checked if c.holds is False} == broken
    assert {c.promise.id for c in checked if c.holds is None} == unknown
    for c in checked:
        assert "\n" not in c.seen
        assert bool(c.seen) is not c.holds


def test_where_a_method_raised_is_said() -> None:
    (broken,) = (c for c in check_promises(RaisesAtTest) if c.holds is False)
    assert broken.seen.startswith(
        "embed raised ValueError: no luck with 7 (test_conformance.py, line "
    )


def test_what_is_no_method_is_refused() -> None:
    with pytest.raises(MethodCheckError, match="is not a subclass of"):
        check_method(dict)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown method"):
        check_method("nothing")


def test_the_check_leaves_the_global_generators_alone() -> None:
    before = torch.random.get_rng_state()
    check_method(Mean)
    assert torch.equal(before, torch.random.get_rng_state())


def test_made_images_are_always_the_same() -> None:
    assert np.array_equal(example_images(3, SMALL, "a"), example_images(3, SMALL, "a"))
    assert not np.array_equal(example_images(3, SMALL, "a"), example_images(3, SMALL, "b"))
    train = example_train_set(SMALL)
    assert train.identities == 4
    assert set(train.rates) == {1, 2, 4}
