"""Count the floating-point operations of an embedding while it is computed.

These are torch's convolutions and matrix products, an addition and a multiplication being two. All
else (normalisation, activations, pooling, what numpy does) is not counted.
"""

import numpy as np
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from crossres.methods.interface.method import Method
from crossres.methods.interface.training_data import Images


def flops_per_image(method: Method, images: Images, rates: NDArray[np.int64]) -> int:
    """Return the mean over images (N, H, W, 3) uint8 at rates (N,); one image a rate is embedded.

    What an image costs may depend on its rate, and on nothing else that differs between images. 0
    where nothing is counted: no image, or a method without torch.
    """
    _, firsts, counts = np.unique(rates, return_index=True, return_counts=True)
    spent = [_flops(method, images[row : row + 1], rates[row : row + 1]) for row in firsts]
    return round(float(np.dot(spent, counts)) / max(1, len(rates)))


def _flops(method: Method, image: Images, rate: NDArray[np.int64]) -> int:
    with FlopCounterMode(display=False) as counter:
        method.embed_told(image, rate)
    return int(counter.get_total_flops())
