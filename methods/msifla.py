"""MSIFLA: multi-scale image- and feature-level alignment, beside the paper's sections 3.1 to 4.2.

A cascade of image reconstruction networks (CMSR2) and a re-ID network for every scale (MR2L).
"""

from contextlib import nullcontext
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from crossres.methods.declarations.msifla import VERSIONS, MsiflaDeclaration, MsiflaOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.losses.reid import reconstruction_error
from crossres.methods.shared.networks.reconstruction import IRNetwork, cascade
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.tensors import (
    denormalise,
    in_batches,
    normalise,
    to_device,
    to_images,
    to_tensor,
)
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import (
    make_optimiser,
    set_rate,
    total_iterations,
)
from crossres.methods.shared.training.streams import require_variants


class MsiflaNetwork(nn.Module):
    """The IR networks in cascade order and the re-ID networks (one, where it is shared)."""

    def __init__(
        self, options: MsiflaOptions, ir: list[IRNetwork], reid: list[ReidNetwork]
    ) -> None:
        super().__init__()
        self.options = options
        self.ir = nn.ModuleList(ir)
        self.reid = nn.ModuleList(reid)

    def reconstructions(self, images: Tensor) -> list[Tensor]:
        """Return x^1, x^2, ... of section 3.2; images and reconstructions on the scale [0, 1]."""
        if self.options.ir_space == "unit":
            return cascade(self.ir, images, self.options.ir_detach)
        rebuilt = cascade(self.ir, normalise(images), self.options.ir_detach)
        return [denormalise(x) for x in rebuilt]

    def ir_loss(self, versions: Tensor, targets: list[Tensor]) -> Tensor:
        """Return L_IR of Eq. 4: versions (V, n, 3, H, W) of HR images, targets (n, 3, H, W)."""
        rebuilt = self.reconstructions(versions.flatten(0, 1))
        if self.options.ir_space == "normalised":
            rebuilt, targets = [normalise(x) for x in rebuilt], [normalise(t) for t in targets]
        errors = [
            reconstruction_error(x.view(versions.shape), target, self.options.ir_loss)
            for x, target in zip(rebuilt, targets, strict=True)
        ]
        return torch.stack(errors).sum()

    def reid_loss(self, rebuilt: list[Tensor], labels: Tensor, mask: Tensor | None) -> Tensor:
        """Return L_ReID of Eq. 14: the sum of Eq. 13 over the reconstructions of all scales.

        A shared network takes all scales as one batch; in either case Eq. 12 looks for positives
        and negatives among the images of one scale.
        """
        inputs = [normalise(x) for x in self.inputs_of(rebuilt)]
        if mask is not None:
            inputs = [x * mask for x in inputs]
        if self.options.reid == "shared":
            features, logits = self.network_of(0)(torch.cat(inputs))
            count = len(labels)
            outputs = list(zip(features.split(count, 1), logits.split(count, 1), strict=True))
        else:
            outputs = [self.network_of(scale)(x) for scale, x in enumerate(inputs)]
        return torch.stack([part_loss(f, p, labels, self.options) for f, p in outputs]).sum()

    def features(self, images: Tensor) -> Tensor:
        """Return f of Eq. 5-7, (B, scales * parts * D), of images (B, 3, H, W) in [0, 1]."""
        inputs = self.inputs_of(self.reconstructions(images))
        features = [self.network_of(s).features(normalise(x)) for s, x in enumerate(inputs)]
        return joined(features, self.options)

    def inputs_of(self, rebuilt: list[Tensor]) -> list[Tensor]:
        """Return the image that the re-ID network of each scale takes of the reconstructions."""
        return rebuilt if self.options.reid_sees == "own" else [rebuilt[-1]] * len(rebuilt)

    def network_of(self, scale: int) -> ReidNetwork:
        """Return the re-ID network of a scale, given by its index in the cascade."""
        return cast(ReidNetwork, self.reid[0 if self.options.reid == "shared" else scale])


class Msifla(MsiflaDeclaration, TorchMethod[MsiflaNetwork]):
    """Multi-scale image- and feature-level alignment; Tables 2 and 3 are options of it."""

    options: MsiflaOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> MsiflaNetwork:
        o = self.options
        ir = []
        for rate in o.scales:
            with seeded(run.seed_for("initial weights", "IR", rate)):
                widths = (o.ir_widths[0], o.ir_widths[1])
                ir.append(IRNetwork(widths, o.ir_layout, o.ir_output, o.ir_batchnorm))
        scales = o.scales if o.reid == "per-scale" else (1,)
        reid = [self.reid_network(identities, run, rate, pretrained) for rate in scales]
        return MsiflaNetwork(o, ir, reid)

    def train(self, network: MsiflaNetwork, train: TrainSet, run: Run) -> None:
        """Train as in section 4.2: batches of 5 identities x (2 HR + 2 LR), two backward passes."""
        require_variants(self.name, (2, 3, 4), train)
        o = self.options
        ir = make_optimiser(o.optimiser, network.ir.parameters(), o.ir_lr, o.ir_weight_decay)
        learned = network.reid.parameters()
        reid = make_optimiser(o.optimiser, learned, o.reid_lr, o.reid_weight_decay)
        ir_by_reid = ir
        if o.steps == "separate":
            ir_by_reid = make_optimiser(o.optimiser, network.ir.parameters(), o.ir_reid_lr, 0.0)
        joint = total_iterations(self.profile.train_spec, train.labels)
        alone = round(o.ir_first * joint)
        total = alone + joint
        for now in self.iterations(network, train, run.part(0, total), alone, "IR alone"):
            set_rate(ir, now.rate(o.ir_lr))
            learn_ir(network, now, ir)
        for now in self.iterations(network, train, run.part(alone, total), joint):
            set_rate(ir, now.rate(o.ir_lr))
            set_rate(reid, now.rate(o.reid_lr, o.reid_warmup))
            if o.steps == "separate":
                set_rate(ir_by_reid, now.rate(o.ir_reid_lr))
            learn(network, now, ir, reid, ir_by_reid)

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return the outputs of IR_1/3, IR_1/2 and IR_1 (of the option `scales`) as uint8."""
        network, device = self.fitted()
        with self.testing():
            rebuilt = in_batches(
                images,
                lambda batch: torch.stack(network.reconstructions(to_tensor(batch, device)), 1),
            )
        labels = ["IR_1" if rate == 1 else f"IR_1/{rate}" for rate in self.options.scales]
        return {label: to_images(rebuilt[:, scale]) for scale, label in enumerate(labels)}


def learn_ir(network: MsiflaNetwork, now: Iteration, ir: Optimizer) -> None:
    """Do an iteration of L_IR alone. Without HR images in the batch nothing is done."""
    ir.zero_grad()
    if len(now.batch.hr) > 0:
        ir_loss(network, now).backward()  # type: ignore[no-untyped-call]
        ir.step()


def learn(
    network: MsiflaNetwork, now: Iteration, ir: Optimizer, reid: Optimizer, ir_by_reid: Optimizer
) -> None:
    """Do an iteration as section 3.3 ends: L_IR and L_ReID are propagated in turn, not added.

    The IR networks step after L_IR by `ir`, then all networks after L_ReID, the IR networks by
    `ir_by_reid` (which may be `ir`); "accumulated": all step once after both. Without HR images in
    the batch there is no L_IR.
    """
    ir.zero_grad()
    reid.zero_grad()
    if len(now.batch.hr) > 0:
        ir_loss(network, now).backward()  # type: ignore[no-untyped-call]
        if network.options.steps != "accumulated":
            ir.step()
            ir.zero_grad()
    reid_loss(network, now).backward()  # type: ignore[no-untyped-call]
    reid.step()
    ir_by_reid.step()


def ir_loss(network: MsiflaNetwork, now: Iteration) -> Tensor:
    """Return L_IR of the HR images of a batch, or of the first ones, in all their versions."""
    stacked = now.batch.versions(VERSIONS)[:, : network.options.ir_images or None]
    versions = to_tensor(stacked.reshape(-1, *stacked.shape[2:]), device_of(network))
    versions = versions.view(*stacked.shape[:2], *versions.shape[1:])
    targets = [versions[VERSIONS.index(rate)] for rate in network.options.scales]
    return network.ir_loss(versions, targets)


def reid_loss(network: MsiflaNetwork, now: Iteration) -> Tensor:
    """Return L_ReID of a batch, whose gradient enters the IR networks only where asked."""
    o, device = network.options, device_of(network)
    images, labels = now.batch.images(), now.labels(device)
    if o.reid_inputs == "batch+variants":
        extra = now.batch.versions(VERSIONS[:-1])
        images = np.concatenate([images, *extra])
        labels = torch.cat([labels, *[labels[to_device(now.batch.hr, device)]] * 3])
    through = o.reid_grad_to_ir and now.elapsed >= o.ir_warmup
    with nullcontext() if through else torch.no_grad():
        rebuilt = network.reconstructions(to_tensor(images, device))
    return network.reid_loss(rebuilt, labels, now.mask(len(labels), device))
