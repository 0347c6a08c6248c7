"""The data sets that notebooks use: the digits that every notebook carries with it, and torchvision's MNIST.

The build copies this into notebooks; ``DATA`` and ``OFFLINE`` come from the start of the tools, the blobs from
``data/``.
"""

import base64
import functools
import io
import lzma
import socket

import numpy as np
import torch

from autograder.notebook.tools import DATA, OFFLINE

DIGITS_BLOB = ""  # written by the build: 65 columns (64 pixels, label) of 1,797 bytes each, xz, base 85

PHOTO_BLOB = ""  # written by the build: a JPEG file, base 85


def load_photo() -> torch.Tensor:
    """A colour photograph of a cat (Stéfan van der Walt; CC0): float32 of shape (3, 96, 128), values 0 to 1."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(base64.b85decode(PHOTO_BLOB))))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def load_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The UCI handwritten digits (Alpaydin and Kaynak, 1998; CC BY 4.0): 1,797 images of 8×8 pixels.

    Returns:
        images: float32 of shape (1797, 8, 8), values 0 to 16 (the number of dark pixels in a 4×4 block of the scan).
        labels: int64 of shape (1797,), values 0 to 9.
    """
    columns = lzma.decompress(base64.b85decode(DIGITS_BLOB))
    table = torch.from_numpy(np.frombuffer(columns, dtype=np.uint8).reshape(65, -1).T.copy())
    return table[:, :64].float().reshape(-1, 8, 8), table[:, 64].long()


class DigitsAsMNIST(torch.utils.data.Dataset):
    """The UCI digits with the interface of ``torchvision.datasets.MNIST``: 28×28 images, values 0 to 255.

    Every fifth image is held back for ``train=False``, so 1,438 images are for training and 359 for testing.
    """

    def __init__(self, train=True, transform=None, target_transform=None):
        images, labels = load_digits()
        held_back = torch.arange(len(labels)) % 5 == 4
        part = ~held_back if train else held_back
        enlarged = torch.nn.functional.interpolate(images[part, None], size=20, mode="bilinear", align_corners=False)
        framed = torch.nn.functional.pad(enlarged[:, 0], (4, 4, 4, 4))  # as in MNIST: a 20×20 digit in a 28×28 image
        self.data = (framed * 255 / 16).round().to(torch.uint8)
        self.targets = labels[part]
        self.classes = [str(digit) for digit in range(10)]
        self.transform, self.target_transform = transform, target_transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        from PIL import Image

        image, target = Image.fromarray(self.data[index].numpy(), mode=None), int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target


@functools.cache
def say_once(text: str) -> None:
    """Print a line the first time only."""
    print(text)


def load_mnist(train=True, *, transform=None, name="MNIST"):
    """``torchvision.datasets.MNIST`` (or ``FashionMNIST``): from disk if it is there, else downloaded.

    If neither is possible, prints a line and uses the UCI digits instead, enlarged to 28×28.
    """
    import torchvision

    dataset = getattr(torchvision.datasets, name)
    try:
        return dataset(DATA, train=train, transform=transform, download=False)
    except RuntimeError:
        pass  # not on disk
    timeout = socket.getdefaulttimeout()
    try:
        if OFFLINE:
            raise OSError("no network wanted")
        socket.setdefaulttimeout(20)
        return dataset(DATA, train=train, transform=transform, download=True)
    except (OSError, RuntimeError):
        say_once(f"{name} is not on disk and cannot be downloaded: using the UCI digits, enlarged to 28×28, instead.")
        return DigitsAsMNIST(train, transform)
    finally:
        socket.setdefaulttimeout(timeout)
