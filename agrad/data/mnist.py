"""MNIST and FashionMNIST: data sets of 28×28 grayscale images in ten classes."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from ..checks import check_flags
from ..core.dtypes import get_default_dtype
from ..core.tensor import Tensor
from ..ops.creation import asarray
from ..ops.data_type import astype
from ..ops.manipulation import expand_dims
from .dataset import TensorDataset
from .files import obtain
from .idx import read_idx

__all__ = ["MNIST", "FashionMNIST"]


class MNIST(TensorDataset):
    """The MNIST data set of handwritten digits: 60,000 images to train and 10,000 to test.

    The images are stored as bytes. An item is a pair: the image as floats from 0 to 1, of shape (1, 28, 28), and the
    label as int64. A batch from a `DataLoader` has images of shape (n, 1, 28, 28) and n labels, and ``dataset[:]`` is
    the whole data set. Images are converted to floats on the device.

    The four IDX files, gzipped or not, are searched for in `root` and ``root/mnist``, then in ``mnist`` in the folder
    that the environment variable ``AGRAD_DATA`` names, then in the user's cache.

    Parameters
    ----------
    root : path, optional
        The folder to search first and to download to; by default downloads go to the user's cache.
    train : bool
        Whether to load the 60,000 images for training or the 10,000 for testing.
    download : bool
        Whether to download missing files.

    Attributes
    ----------
    images : Tensor, uint8, shape (n, 28, 28)
    labels : Tensor, int64, shape (n,)
    classes : tuple of str

    Raises
    ------
    FileNotFoundError
        If a file is missing and `download` is False; the message lists the folders searched.
    ConnectionError, ImportError
        If a file cannot be downloaded.
    ValueError
        If a file is damaged or is not MNIST's; the message has its path.

    Notes
    -----
    By LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/.

    Examples
    --------
    >>> import agrad
    >>> digits = agrad.data.MNIST(train=False)  # doctest: +SKIP
    >>> image, label = digits[0]  # doctest: +SKIP
    >>> image.shape, label.item()  # doctest: +SKIP
    ((1, 28, 28), 7)
    """

    folders: ClassVar[tuple[str, ...]] = ("mnist", "MNIST/raw")
    mirrors: ClassVar[tuple[str, ...]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    # Checksums of the gzipped files on the mirrors.
    md5: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    # Checksums of the uncompressed files, which do not depend on how they were gzipped.
    sha256: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }

    def __init__(self, root: str | os.PathLike[str] | None = None, train: bool = True, download: bool = True) -> None:
        check_flags(train=train, download=download)
        part, n = ("train", 60_000) if train else ("t10k", 10_000)
        images = self._read(f"{part}-images-idx3-ubyte", (n, 28, 28), root, download)
        labels = self._read(f"{part}-labels-idx1-ubyte", (n,), root, download)
        super().__init__(asarray(images), asarray(labels.tolist()))

    @property
    def images(self) -> Tensor:
        """The images as bytes, shape (n, 28, 28)."""
        return self.tensors[0]

    @property
    def labels(self) -> Tensor:
        """The class indices, shape (n,)."""
        return self.tensors[1]

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        images, labels = super().__getitem__(index)
        return expand_dims(astype(images, get_default_dtype()) / 255, axis=-3), labels

    @classmethod
    def _read(cls, name: str, shape: tuple[int, ...], root: Any, download: bool) -> memoryview:
        path = obtain(name, root=root, folders=cls.folders, download=download, mirrors=cls.mirrors, md5=cls.md5[name])
        content, digest = read_idx(path, shape)
        if not cls._is_right(name, digest):
            raise ValueError(
                f"{path} is not the {name} of {cls.__name__}, or is damaged: its uncompressed content has the SHA-256 "
                f"{digest}; remove it, so that it is downloaded again"
            )
        return content

    @classmethod
    def _is_right(cls, name: str, digest: str) -> bool:
        return digest == cls.sha256[name]


class FashionMNIST(MNIST):
    """The FashionMNIST data set of clothes by Zalando Research: 60,000 images to train and 10,000 to test.

    It is used as `MNIST` and has the same shapes.

    Parameters
    ----------
    root : path, optional
        See `MNIST`; the subfolder is ``fashion-mnist`` or ``fashion_mnist``.
    train : bool
        Whether to load the 60,000 images for training or the 10,000 for testing.
    download : bool
        Whether to download missing files.

    Examples
    --------
    >>> from agrad.data import FashionMNIST
    >>> FashionMNIST.classes[9]
    'ankle boot'
    """

    folders = ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw")
    mirrors = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    )
    classes = (
        "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip
    md5: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    }

    @classmethod
    def _is_right(cls, name: str, digest: str) -> bool:
        # No checksums of the uncompressed files are published, so only MNIST's files of the same names are refused.
        return digest not in MNIST.sha256.values()
