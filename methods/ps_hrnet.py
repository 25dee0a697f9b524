"""PS-HRNet: deep high-resolution pseudo-siamese framework (Zhang, Ge et al., arXiv 2105.11722).

A teacher T learns from HR images; a student S, VDSR with channel attention before a network of the
same kind, then learns from images of any resolution and from T. With v_1..v_4 the pooled maps of an
image, v_0 all of them one after another, p the logits and |.| the mean absolute value,

    L = 1.15 CE(p) + 1/5 sum_i triplet(v_i) + 0.5 |SR(x_l) - x_h|
        + 0.5 (sum_i |v_i^T(x_h) - v_i(x_l)| + |p^T(x_h) - p(x_l)|),

the last two over pairs of an image x_l and its HR original x_h. Faithful structure: networks,
losses and constants are as in the authors' public code; which pairs there are is our reading.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.declarations.ps_hrnet import PsHrnetDeclaration, PsHrnetOptions
from crossres.methods.interface.method import Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.checkpoints import kept
from crossres.methods.shared.computing import place
from crossres.methods.shared.loss_recording import recorded_loss, recording_losses
from crossres.methods.shared.networks.multiscale import (
    MultiScaleReid,
    build_branches,
    identity_loss,
)
from crossres.methods.shared.networks.vdsr import VDSR
from crossres.methods.shared.tensors import denormalise, normalise, to_device, to_tensor
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser, set_rate
from crossres.methods.shared.training.streams import require_variants


class PsHrnetNetwork(nn.Module):
    """S: the SR network and the re-ID network behind it; both work on normalised images."""

    def __init__(self, options: PsHrnetOptions, sr: nn.Module, reid: MultiScaleReid) -> None:
        super().__init__()
        self.options, self.sr, self.reid = options, sr, reid

    def loss(self, now: Iteration, low: Tensor, teacher: MultiScaleReid | None) -> Tensor:
        """Return L of a batch and of `low`, LR versions of its HR images, (n, 3, H, W) in [0, 1].

        x_h of an HR image of the batch is that image; there is none for those that came as LR.
        """
        o, images = self.options, to_tensor(now.batch.images(), low.device)
        labels, hr = now.labels(low.device), to_device(now.batch.hr, low.device)
        lifted = self.sr(normalise(torch.cat([images, low])))
        vectors, logits = self.reid(now.erased(lifted))
        loss = identity_loss(vectors, logits, torch.cat([labels, labels[hr]]), o, o.ce_weight)
        if len(hr) == 0:
            return loss
        rows = torch.cat([hr, torch.arange(len(images), len(lifted), device=low.device)])
        target = normalise(images[hr])
        if o.sr == "vdsr":
            error = F.l1_loss(lifted[rows], torch.cat([target, target]))
            loss = loss + o.sr_weight * recorded_loss("reconstruction", error)
        if teacher is not None:
            with torch.no_grad():
                target_vectors, target_logits = teacher(target)
            pairs = zip([*vectors, logits], [*target_vectors, target_logits], strict=True)
            gaps = [F.l1_loss(student[rows], torch.cat([aim, aim])) for student, aim in pairs]
            loss = loss + o.distil_weight * recorded_loss("distillation", torch.stack(gaps).sum())
        return loss

    def features(self, images: Tensor) -> Tensor:
        """Return the test feature (B, D), not normalised, of images (B, 3, H, W) in [0, 1]."""
        return self.reid.features(self.sr(normalise(images)))


class PsHrnet(PsHrnetDeclaration, TorchMethod[PsHrnetNetwork]):
    """A student that restores its images and imitates a teacher that has seen HR ones."""

    options: PsHrnetOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> PsHrnetNetwork:
        o = self.options
        reid = self._reid(identities, run, pretrained)
        with seeded(run.seed_for("initial weights", "VDSR")):
            sr = VDSR(o.sr_width, o.sr_blocks) if o.sr == "vdsr" else nn.Identity()
        return PsHrnetNetwork(o, sr, reid)

    def _reid(self, identities: int, run: Run, pretrained: bool) -> MultiScaleReid:
        """Build the network of teacher and student; both start from the same weights."""
        o, spec = self.options, self.profile.backbone_spec
        with seeded(run.seed_for("initial weights", "re-ID", 1)):
            branches = build_branches(o.trunk, spec, self.profile.weights_dir, pretrained)
            return MultiScaleReid(branches, identities, o.part_width, o.dropout)

    def train(self, network: PsHrnetNetwork, train: TrainSet, run: Run) -> None:
        """Train the teacher on the HR images of all batches, then the student on the batches."""
        o = self.options
        require_variants(self.name, o.rates, train)
        device = device_of(network)
        generator = kept(np.random.default_rng(run.seed_for("rates")))
        phases = 2 if o.teacher else 1
        with seeded(run.seed_for("dropout")):
            with recording_losses(lambda name, value: run.record_loss(f"teacher's {name}", value)):
                first = _phase(run, 0, phases)
                teacher = self._teacher(train, first, device) if o.teacher else None

            def loss(now: Iteration) -> Tensor:
                versions = now.batch.versions(o.rates)
                columns = np.arange(versions.shape[1])
                rate_draws = generator.integers(0, len(o.rates), columns.shape)
                run.record_draws(rate_draws)
                return network.loss(now, to_tensor(versions[rate_draws, columns], device), teacher)

            self._learn(network, loss, train, _phase(run, phases - 1, phases))

    def _teacher(self, train: TrainSet, run: Run, device: torch.device) -> MultiScaleReid:
        o, teacher = self.options, self._reid(train.identities, run, pretrained=True)
        place(teacher, device, self.profile.computing)

        def loss(now: Iteration) -> Tensor | None:
            high = to_device(now.batch.hr, device)
            if len(high) < 2:  # batch normalisation needs two images
                return None
            vectors, logits = teacher(now.inputs(device)[high])
            return identity_loss(vectors, logits, now.labels(device)[high], o, o.ce_weight)

        self._learn(teacher.train(), loss, train, run)
        return teacher.eval()

    def _learn(
        self,
        network: nn.Module,
        loss: Callable[[Iteration], Tensor | None],
        train: TrainSet,
        run: Run,
    ) -> None:
        """Train one of the two networks over the whole schedule."""
        o, learned = self.options, network.parameters()
        optimiser = make_optimiser(o.optimiser, learned, o.reid_lr, o.reid_weight_decay, True)
        for now in self.iterations(network, train, run):
            set_rate(optimiser, learning_rate(now, o))
            optimiser.zero_grad()
            if (value := loss(now)) is not None:
                value.backward()  # type: ignore[no-untyped-call]
                optimiser.step()

    def embed(self, images: Images) -> Embeddings:
        """Normalise after an image and its mirror image were added, as in the authors' code."""
        embeddings = super().embed(images)
        if self.options.test_normalise == "none":
            return embeddings
        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return np.asarray(embeddings / np.maximum(length, 1e-12), dtype=np.float32)

    def embedding_graph(self, images: Tensor) -> Tensor:
        embeddings = super().embedding_graph(images)
        return embeddings if self.options.test_normalise == "none" else F.normalize(embeddings)

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return SR(x), clipped to uint8; nothing without SR."""
        if self.options.sr == "none":
            return {}
        sr = self.fitted()[0].sr
        return {"SR": self.rebuilt(images, lambda x: denormalise(sr(normalise(x))))}


def _phase(run: Run, phase: int, phases: int) -> Run:
    """Return `run` for one of several equally long trainings."""

    def progress(done: int, total: int) -> None:
        run.progress(phase * total + done, phases * total)

    return replace(run, progress=progress)


def learning_rate(now: Iteration, options: PsHrnetOptions) -> float:
    """Return the learning rate in this iteration: warm-up, then two drops."""
    second_drop = options.lr_drop if now.elapsed >= options.lr_drop_again_at else 1.0
    return second_drop * now.rate(options.reid_lr, options.reid_warmup)
