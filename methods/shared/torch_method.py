"""A Method whose knowledge is one torch module: fit, embed, save and load for all of them.

A subclass says how to build its network and how to train it, nothing else.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.checkpoints import kept, resumable
from crossres.methods.shared.computing import matrix_products, place
from crossres.methods.shared.loss_recording import recording_losses
from crossres.methods.shared.networks.backbones import build_backbone
from crossres.methods.shared.networks.reid import ReidNetwork
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.tensors import in_batches, to_images, to_tensor
from crossres.methods.shared.torch_tools import (
    device_of,
    load_arrays,
    module_arrays,
    repeatable,
    resolve_device,
    seeded,
    start_digest,
    trainable_count,
)
from crossres.methods.shared.training.loop import Iteration, iterations
from crossres.methods.shared.training.mean_of_weights import MeanOfWeights

IDENTITIES = "identities"
Network = TypeVar("Network", bound=nn.Module)


class Embedder(Protocol):
    """What every network of a TorchMethod can do."""

    def features(self, images: Tensor) -> Tensor:
        """Return embeddings (B, D) of images (B, 3, H, W) in [0, 1]."""


class TorchMethod(Method, Generic[Network]):
    """`build` and `train` make a method of a network that has `features` (see Embedder).

    Both run with torch's global generator at a seed of the run, and leave it as it was: layers may
    be made, and dropout be drawn, as usual. `Options` is a ReidOptions, or of a class below it.
    """

    computes_as_told: ClassVar[bool] = True
    network: Network | None = None
    identities: int = 0

    @abstractmethod
    def build(self, identities: int, run: Run, pretrained: bool) -> Network:
        """Build the network; `pretrained` is False when saved weights are loaded afterwards."""

    @abstractmethod
    def train(self, network: Network, train: TrainSet, run: Run) -> None:
        """Adjust `network`, which is in training mode on its device, to the training data."""

    def fit(self, train: TrainSet, run: Run) -> None:
        device = resolve_device(run.device)

        def trained() -> Network:
            network = self.build(train.identities, run, pretrained=True)
            self.start = start_digest(network)
            place(network, device, self.profile.computing)
            products = matrix_products(self.profile.computing.precision)
            with repeatable(), products, recording_losses(run.record_loss):
                self.train(network.train(), train, run)
            return network.eval()

        with seeded(run.seed_for("torch")):
            self.network = resumable(trained, run, device)
        self.identities = train.identities

    def iterations(
        self,
        network: nn.Module,
        train: TrainSet,
        run: Run,
        total: int | None = None,
        phase: str = "",
    ) -> Iterator[Iteration]:
        """Yield the iterations of a training (see loop.iterations) of `network` or a part of it.

        In the end its weights are means over the iterations after the share `mean_from`.
        Checkpoints keep the network; what else goes from one iteration to the next must be `kept`
        (optimisers of make_optimiser are).
        """
        mean = kept(MeanOfWeights(kept(network)))
        spec, options = self.profile.train_spec, self.options
        for now in iterations(train, spec, options, run, total, phase):
            yield now
            if now.step + 1 > options.mean_from * now.total:
                mean.add()
        mean.load()

    def embed(self, images: Images) -> Embeddings:
        return self.embedded(images, self.features)

    def features(self, images: Tensor) -> Tensor:
        """Return embeddings (B, D) of images (B, 3, H, W) in [0, 1], those of the network.

        A method whose network has no such `features` says here what to take from it.
        """
        return cast(Embedder, self.fitted()[0]).features(images)

    def embedding_graph(self, images: Tensor) -> Tensor:
        """Return the embeddings (B, D) of images (B, 3, H, W) in [0, 1], as `embed` does.

        It is what an export writes down: nothing but tensors. One who overrides `embed` overrides
        this, too.
        """
        return self.with_mirrored(images, self.features)

    def with_mirrored(self, images: Tensor, features: Callable[[Tensor], Tensor]) -> Tensor:
        """Return features of images (B, 3, H, W); those of the mirrored ones are added if asked."""
        embedded = features(images)
        return embedded + features(images.flip(3)) if self.options.embed_flip else embedded

    def embedded(self, images: Images, features: Callable[[Tensor], Tensor]) -> Embeddings:
        """Embed images by `features`, from (B, 3, H, W) in [0, 1]; add mirrored ones if asked."""
        device = self.fitted()[1]

        def apply(batch: Images) -> Tensor:
            return self.with_mirrored(to_tensor(batch, device), features)

        with self.testing():
            return np.ascontiguousarray(in_batches(images, apply).cpu().numpy())

    def rebuilt(self, images: Images, network: Callable[[Tensor], Tensor]) -> Images:
        """Apply a part of the network, from images to images in [0, 1], to `images`."""
        device = self.fitted()[1]
        with self.testing():
            return to_images(in_batches(images, lambda batch: network(to_tensor(batch, device))))

    @contextmanager
    def testing(self) -> Iterator[None]:
        """Compute inside without gradients, repeatably, and in the precision of the profile."""
        products = matrix_products(self.profile.computing.precision)
        with torch.inference_mode(), repeatable(), products:
            yield

    def fitted(self) -> tuple[Network, torch.device]:
        """Return the trained network and its device. Raises InputError before fit or load."""
        if self.network is None:
            raise InputError(f"method {self.name} is not trained yet; call fit or load first")
        return self.network, device_of(self.network)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            **module_arrays(self.fitted()[0]),
            IDENTITIES: np.array([self.identities], dtype=np.int64),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        if IDENTITIES not in arrays:
            raise InputError(f"saved weights of {self.name} lack the entry {IDENTITIES!r}")
        identities = int(arrays[IDENTITIES][0])
        network = self.build(identities, Run(seed=0), pretrained=False)
        load_arrays(network, {n: a for n, a in arrays.items() if n != IDENTITIES})
        device = resolve_device(self.profile.device)
        place(network, device, self.profile.computing)
        self.network, self.identities = network.eval(), identities

    def parameter_count(self) -> int:
        return trainable_count(self.fitted()[0])

    def reid_network(self, identities: int, run: Run, scale: int, pretrained: bool) -> ReidNetwork:
        """Build a re-ID network as the profile and the options (a ReidOptions) say.

        The same data set, seed and scale start from the same weights in every method.
        """
        options: ReidOptions = self.options
        with _started(run, scale):
            return ReidNetwork(
                self._trunk(pretrained),
                identities,
                options.parts,
                options.part_head,
                options.part_width,
            )

    def backbone(self, run: Run, pretrained: bool, scale: int = 1) -> tuple[nn.Module, int]:
        """Build the profile's backbone with its weights; return it and the channels of its maps.

        It takes normalised images (B, 3, H, W), and starts as the trunk of `reid_network` does.
        """
        with _started(run, scale):
            return self._trunk(pretrained)

    def _trunk(self, pretrained: bool) -> tuple[nn.Module, int]:
        profile = self.profile
        size = (profile.height, profile.width)
        return build_backbone(profile.backbone_spec, profile.weights_dir, pretrained, size)


def _started(run: Run, scale: int) -> AbstractContextManager[None]:
    """Have torch draw the initial weights of re-ID networks inside."""
    return seeded(run.seed_for("initial weights", "re-ID", scale))
