"""One thread, as in a cell: the networks of these tests are too small for more."""

import torch

torch.set_num_threads(1)
