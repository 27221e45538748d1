"""Transforms of batches of images, computed on the images' device.

A batch has shape ``(n, channels, height, width)``, as for convolutions. Apply transforms in the training loop:
``images = augment(images)``. Random numbers are drawn on the host, so that a seed gives the same on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any

from ..checks import as_integer, as_seed
from ..core.tensor import Tensor
from ..ops.creation import arange, asarray
from ..ops.gathering import take
from ..ops.manipulation import flip, pad, permute_dims, reshape
from ..ops.searching import where
from .contexts import batch_here
from .draws import Draws

__all__ = ["Compose", "Normalize", "RandomCrop", "RandomHorizontalFlip", "RandomShift", "RandomVerticalFlip"]


class Compose:
    """Apply several transforms in order.

    Parameters
    ----------
    transforms : sequence of callable
        The transforms.

    Examples
    --------
    >>> import agrad
    >>> from agrad.data import transforms
    >>> augment = transforms.Compose([transforms.RandomHorizontalFlip(p=1.0), transforms.Normalize(0.5, 0.25)])
    >>> augment(agrad.asarray([[[[0.0, 1.0]]]])).tolist()
    [[[[2.0, -2.0]]]]
    """

    def __init__(self, transforms: Sequence[Callable[[Tensor], Tensor]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the transformed images."""
        for transform in self.transforms:
            images = transform(images)
        return images

    def __repr__(self) -> str:
        return f"Compose({self.transforms!r})"


class Normalize:
    """Normalize each channel: subtract a mean and divide by a standard deviation.

    Parameters
    ----------
    mean, std : float, or sequence, array or Tensor of float
        The mean and standard deviation: one value for all channels, or one for each.

    Raises
    ------
    ValueError
        If a standard deviation is 0; when called, if the images have a different number of channels.
    TypeError
        When called, if the images are not floating-point.

    Examples
    --------
    >>> import agrad
    >>> from agrad.data import transforms
    >>> transforms.Normalize(mean=[0.5], std=[0.25])(agrad.ones((1, 1, 1, 2))).tolist()
    [[[[2.0, 2.0]]]]
    """

    def __init__(self, mean: float | Sequence[float] | Tensor, std: float | Sequence[float] | Tensor) -> None:
        self.mean, self.std = _as_list(mean), _as_list(std)
        if 0 in self.std:
            raise ValueError(f"std must not be 0, not {self.std}")

    def __call__(self, images: Tensor) -> Tensor:
        """Return the normalized images."""
        _check(images)
        if not images.dtype.differentiable:
            raise TypeError(
                f"images must be floating-point, not {images.dtype!r}; write images.astype(agrad.float32) / 255"
            )
        channels = images.shape[1]
        for name, x in (("mean", self.mean), ("std", self.std)):
            if len(x) not in (1, channels):
                raise ValueError(f"{name} has values of {len(x)} channels, but the images have {channels}")
        mean, std = (
            reshape(asarray(x, dtype=images.dtype, device=images.device), (-1, 1, 1)) for x in (self.mean, self.std)
        )
        return (images - mean) / std

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class _Random:
    """Base class of random transforms; with a seed, the sequence of draws is reproducible.

    Attributes
    ----------
    calls : int
        The number of calls. With a seed, set it to resume training: the next draws depend only on `seed` and `calls`.
        In a data set or ``collate_fn`` called by a `DataLoader`, they depend on the loader's ``epoch`` and the number
        of the batch instead, since threads make calls in any order.
    """

    def __init__(self, seed: int | None) -> None:
        self.seed = None if seed is None else as_seed(seed)
        self.calls = 0
        batch = batch_here()
        self._created_in = None if batch is None else batch.numbers

    def _draws(self) -> Draws:
        batch = batch_here()
        if batch is not None and batch.numbers != self._created_in:
            return Draws(self.seed, batch.turn(self))
        self.calls += 1
        return Draws(self.seed, self.calls - 1)


class RandomCrop(_Random):
    """Crop each image at a random position.

    Parameters
    ----------
    size : int or (int, int)
        The height and width of the crop.
    padding : int
        The number of zeros added on each side of the images first.
    seed : int, optional
        The seed of the sequence of positions; by default they are drawn from `agrad.random`.

    Raises
    ------
    ValueError
        If `size` is below 1 or `padding` negative; when called, if the crop is larger than the padded images.
    TypeError
        If `size` is not one or two integers.

    Examples
    --------
    >>> import agrad
    >>> from agrad.data import transforms
    >>> transforms.RandomCrop(24)(agrad.ones((8, 1, 28, 28))).shape
    (8, 1, 24, 24)
    """

    def __init__(self, size: int | tuple[int, int], padding: int = 0, seed: int | None = None) -> None:
        super().__init__(seed)
        try:
            self.height, self.width = map(index, size if isinstance(size, (tuple, list)) else (size, size))
        except (TypeError, ValueError):
            raise TypeError(f"size must be an integer or two, as (height, width), not {size!r}") from None
        if self.height < 1 or self.width < 1:
            raise ValueError(f"size must be at least 1 in both directions, not {size!r}")
        self.padding = as_integer("padding", padding, 0)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the cropped images."""
        _check(images)
        height, width = (length + 2 * self.padding for length in images.shape[2:])
        if height < self.height or width < self.width:
            raise ValueError(
                f"a crop of {self.height}×{self.width} is larger than images of {images.shape[2]}×{images.shape[3]} "
                f"with a padding of {self.padding}"
            )
        return _cropped(images, self.height, self.width, self.padding, self._draws())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(({self.height}, {self.width}), padding={self.padding}, seed={self.seed})"


class RandomShift(_Random):
    """Shift each image by a random number of pixels in both directions, and fill with zeros.

    Parameters
    ----------
    pixels : int
        The largest shift.
    seed : int, optional
        The seed of the sequence of shifts; by default they are drawn from `agrad.random`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.data import transforms
    >>> transforms.RandomShift(2)(agrad.ones((8, 1, 28, 28))).shape
    (8, 1, 28, 28)
    """

    def __init__(self, pixels: int, seed: int | None = None) -> None:
        super().__init__(seed)
        self.pixels = as_integer("pixels", pixels, 0)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the shifted images."""
        _check(images)
        return _cropped(images, images.shape[2], images.shape[3], self.pixels, self._draws())

    def __repr__(self) -> str:
        return f"RandomShift({self.pixels}, seed={self.seed})"


class RandomHorizontalFlip(_Random):
    """Flip each image horizontally with a given probability.

    Parameters
    ----------
    p : float
        The probability that an image is flipped.
    seed : int, optional
        The seed of the sequence of choices; by default they are drawn from `agrad.random`.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.

    Examples
    --------
    >>> import agrad
    >>> from agrad.data import transforms
    >>> transforms.RandomHorizontalFlip(p=1.0)(agrad.asarray([[[[1.0, 2.0]]]])).tolist()
    [[[[2.0, 1.0]]]]
    """

    axis = -1

    def __init__(self, p: float = 0.5, seed: int | None = None) -> None:
        super().__init__(seed)
        if not 0 <= p <= 1:
            raise ValueError(f"p must be a probability from 0 to 1, not {p!r}")
        self.p = p

    def __call__(self, images: Tensor) -> Tensor:
        """Return the images, some of them flipped."""
        _check(images)
        chosen = (self._draws().uniform(len(images)) < self.p).to(images.device)
        return where(reshape(chosen, (-1, 1, 1, 1)), flip(images, axis=self.axis), images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, seed={self.seed})"


class RandomVerticalFlip(RandomHorizontalFlip):
    """Flip each image vertically with a given probability.

    Parameters
    ----------
    p : float
        The probability that an image is flipped.
    seed : int, optional
        The seed of the sequence of choices; by default they are drawn from `agrad.random`.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.

    Examples
    --------
    >>> import agrad
    >>> from agrad.data import transforms
    >>> transforms.RandomVerticalFlip(p=1.0)(agrad.asarray([[[[1.0], [2.0]]]])).tolist()
    [[[[2.0], [1.0]]]]
    """

    axis = -2


def _as_list(given: Any) -> list[float]:
    """Return one number or several as a list."""
    listed = given.tolist() if hasattr(given, "tolist") else given
    return list(listed) if isinstance(listed, Sequence) else [listed]


def _check(images: Any) -> None:
    if not isinstance(images, Tensor) or images.ndim != 4:
        what = f"shape {images.shape}" if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"images must be a Tensor of shape (n, channels, height, width), not {what}")


def _cropped(images: Tensor, height: int, width: int, padding: int, draws: Draws) -> Tensor:
    """Crop the padded images to that size at random positions."""
    if padding:
        images = pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    top, left = (
        draws.integers(length - cropped + 1, len(images))
        for length, cropped in zip(images.shape[2:], (height, width), strict=True)
    )
    return _windows(_windows(images, top, height), left, width)


def _windows(images: Tensor, start: Tensor, length: int) -> Tensor:
    """Return `length` rows of each image, from row `start` on, with the last two axes swapped.

    Rows are contiguous in memory, so gathering them is fast. Called twice, the axes are in their order again.
    """
    n, channels, height, width = images.shape
    rows = reshape(start, (n, 1, 1)) + arange(length, device=start.device)
    rows = rows + height * reshape(arange(n * channels, device=start.device), (n, channels, 1))
    taken = take(reshape(images, (-1, width)), reshape(rows, (-1,)).to(images.device), axis=0)
    return permute_dims(reshape(taken, (n, channels, length, width)), (0, 1, 3, 2))
