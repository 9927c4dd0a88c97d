"""Images in files, as models take them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vtbench.errors import BadInput, MissingPackage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)


def image_in(path: Path, size: tuple[int, ...], option: str) -> NDArray[np.uint8]:
    """The image of a file as H, W, 3 of bytes, resized; ``option`` is what named the file."""
    import numpy as np

    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackage(
            f"{option}: images are read by Pillow, which is not installed; install it with: "
            "pip install pillow"
        ) from error
    try:
        with Image.open(path) as image:
            resized = image.convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    except FileNotFoundError:
        raise BadInput(f"{option}: there is no file {str(path)!r}.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{option}: {str(path)!r} cannot be read as an image.") from error
    return np.array(resized, dtype=np.uint8)


def standardised(image: NDArray[np.uint8]) -> torch.Tensor:
    """Bytes H, W, 3 as [3, H, W]: from 0 to 1, then less the mean of ImageNet, over its spread."""
    values = torch.from_numpy(image).float() / 255
    return (values.permute(2, 0, 1) - _MEAN) / _STD
