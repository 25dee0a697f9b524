"""Images inside a page: PNG data URIs."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EXACT_HEIGHT = 64  # images up to this height go in as they are; larger ones as reduced JPEG


def data_uri(image: NDArray[np.uint8], height: int = 128) -> str:
    """Return an (H, W, 3) uint8 image as a data URI: PNG when small, else JPEG of `height`."""
    picture = Image.fromarray(image)
    out = io.BytesIO()
    if picture.height <= EXACT_HEIGHT:
        picture.save(out, "PNG", optimize=True)
        return _uri("png", out)
    if picture.height > height:
        width = max(1, round(picture.width * height / picture.height))
        picture = picture.resize((width, height), Image.Resampling.BOX)
    picture.save(out, "JPEG", quality=88, subsampling=0)
    return _uri("jpeg", out)


def _uri(kind: str, content: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
