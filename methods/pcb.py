"""PCB: the part-based convolutional baseline of Sun et al. (ECCV 2018), sections 3.1 to 4.2.

A control: softmax classifiers on horizontal parts, HR and LR images alike, no refined part pooling.
"""

from torch import Tensor, nn

from crossres.methods.declarations.pcb import PcbDeclaration, PcbOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.losses.reid import smoothed_cross_entropy
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss, stripes
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of
from crossres.methods.shared.training.descent import descend
from crossres.methods.shared.training.schedule import make_optimiser


class PcbNetwork(nn.Module):
    """The re-ID network of Figure 2: trunk, p parts g_i, reduced parts h_i, p classifiers."""

    def __init__(self, options: PcbOptions, reid: ReidNetwork) -> None:
        super().__init__()
        self.options, self.reid = options, reid

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the p cross-entropies of normalised images (B, 3, H, W)."""
        o = self.options
        features, logits = self.reid(images)
        if o.triplet:
            return part_loss(features, logits, labels, o)
        return smoothed_cross_entropy(logits, labels, o.label_smoothing)

    def features(self, images: Tensor) -> Tensor:
        """Return G = [g_1 .. g_p] or H = [h_1 .. h_p], (B, p * D); images in [0, 1]."""
        normalised = normalise(images)
        if self.options.test_feature == "h":
            return joined([self.reid.features(normalised)], self.options)
        parts = stripes(self.reid.trunk(normalised), self.options.parts)
        return joined([parts.transpose(0, 1).flatten(1)], self.options)

    def new_layers(self) -> list[nn.Parameter]:
        """Return all parameters but the trunk's."""
        parameters = self.reid.named_parameters()
        return [parameter for name, parameter in parameters if not name.startswith("trunk.")]


class Pcb(PcbDeclaration, TorchMethod[PcbNetwork]):
    """A ResNet with a softmax classifier for each horizontal part."""

    options: PcbOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> PcbNetwork:
        return PcbNetwork(self.options, self.reid_network(identities, run, 1, pretrained))

    def train(self, network: PcbNetwork, train: TrainSet, run: Run) -> None:
        """Train as in section 4.2: a learning rate for the new layers, a tenth for the trunk."""
        o, device = self.options, device_of(network)
        trunk_lr = o.trunk_rate * o.reid_lr
        trunk = make_optimiser(
            o.optimiser, network.reid.trunk.parameters(), trunk_lr, o.reid_weight_decay
        )
        head = make_optimiser(o.optimiser, network.new_layers(), o.reid_lr, o.reid_weight_decay)
        parts = [(trunk, trunk_lr, o.reid_warmup), (head, o.reid_lr, o.reid_warmup)]
        for now in self.iterations(network, train, run):
            descend(now, parts, [network.loss(now.inputs(device), now.labels(device))])
