"""Images of vehicles as the paper shows them (section 4.5): wide ones turned clockwise, then 2 : 1.

What is turned is what the network saw, at its input size; only the raw file knew that it was wide.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 288, 144  # pixels, in the paper


def turned(images: NDArray[np.uint8], wide: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Turn those images (..., H, W, 3) of `wide` (...) clockwise: (..., H, H / 2, 3).

    Resampled by areas, so that nothing is smoothed that is only made larger.
    """
    height = images.shape[-3]
    width = round(height * WIDTH / HEIGHT)
    upright_images = np.empty((*wide.shape, height, width, 3), np.uint8)
    for index in np.ndindex(wide.shape):
        picture = Image.fromarray(images[index])
        if wide[index]:
            picture = picture.transpose(Image.Transpose.ROTATE_270)  # counted anticlockwise
        upright_images[index] = picture.resize((width, height), Image.Resampling.BOX)
    return upright_images
