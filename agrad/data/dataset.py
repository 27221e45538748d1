"""Data sets: objects with a length and items."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final, Self

from ..core.device import Device
from ..core.dtypes import as_dtype
from ..core.tensor import Tensor
from ..ops.creation import asarray
from ..ops.gathering import take

__all__ = ["Dataset", "IterableDataset", "TensorDataset"]

BOOL: Final = as_dtype("bool")


class Dataset:
    """Base class of data sets with indices; a subclass defines ``__len__`` and ``__getitem__``.

    A `DataLoader` stacks the items into batches, so all items must have the same structure and shapes: numbers, arrays
    or Tensors, or tuples and dicts of them.

    Examples
    --------
    >>> from agrad.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> list(DataLoader(Squares(), batch_size=4))[0][1]
    Tensor([0, 1, 4, 9], dtype=int64, device='cpu')
    """

    def __len__(self) -> int:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __len__(self) that returns the number of items"
        )

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(self, index) that returns an item")


class IterableDataset:
    """Base class of data sets that can only be iterated over, such as streams and files too large for memory.

    A subclass defines ``__iter__``, and ``__len__`` if the number of items is known. It sets the order of the items: a
    loader cannot shuffle them.

    Examples
    --------
    >>> from agrad.data import DataLoader, IterableDataset
    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(5, 0, -1))
    >>> [batch.tolist() for batch in DataLoader(Countdown(), batch_size=2)]
    [[5, 4], [3, 2], [1]]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__(self) that yields items")


class TensorDataset(Dataset):
    """A data set of Tensors in memory: item `i` is the tuple of their rows `i`.

    An index may be an integer, a slice, a mask, or several integers in a Tensor, an array or a list. A loader indexes
    it with the indices of a whole batch, whose rows are gathered on the device; a subclass that defines `__getitem__`
    must take both.

    Parameters
    ----------
    *tensors : Tensor or array, shapes (n, ...)
        All with the same `n`, on one device. The memory of arrays is shared if possible, not copied.

    Attributes
    ----------
    tensors : tuple of Tensor
        The Tensors.

    Raises
    ------
    ValueError
        If no Tensor is given, or if the lengths along axis 0 or the devices differ.

    Examples
    --------
    >>> import agrad
    >>> data = agrad.data.TensorDataset(agrad.asarray([[1.0], [2.0], [3.0]]), agrad.asarray([10, 20, 30]))
    >>> len(data)
    3
    >>> x, y = data[1:]
    >>> y
    Tensor([20, 30], dtype=int64, device='cpu')
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ValueError("a TensorDataset needs at least one Tensor: TensorDataset(features, labels)")
        self.tensors = tuple(asarray(x) for x in tensors)
        shapes = [x.shape for x in self.tensors]
        if () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"the Tensors of a TensorDataset must have the same length along axis 0, not the shapes "
                f"{', '.join(map(str, shapes))}"
            )
        devices = list(dict.fromkeys(x.device.name for x in self.tensors))
        if len(devices) > 1:
            raise ValueError(
                f"the Tensors of a TensorDataset must be on one device, not on {' and '.join(devices)}; write "
                f"x.to({devices[0]!r})"
            )

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        if isinstance(index, (int, slice)):
            return tuple(x[index] for x in self.tensors)
        rows = index if isinstance(index, Tensor) else asarray(index, device=self.device)
        if rows.ndim == 1 and rows.dtype != BOOL:
            return tuple(take(x, rows, axis=0) for x in self.tensors)  # faster than x[rows], which takes any key
        return tuple(x[rows] for x in self.tensors)

    @property
    def device(self) -> Device:
        """The device of the Tensors."""
        return self.tensors[0].device

    def to(self, device: str | Device) -> Self:
        """Return the data set on another device.

        Parameters
        ----------
        device : str or Device

        Returns
        -------
        TensorDataset
            A copy with the Tensors on that device.

        Examples
        --------
        >>> import agrad
        >>> agrad.data.TensorDataset([1.0, 2.0]).to("cpu").device
        agrad.Device('cpu')
        """
        moved = copy.copy(self)
        moved.tensors = tuple(x.to(device) for x in self.tensors)
        return moved

    def __repr__(self) -> str:
        shapes = ", ".join(f"{x.dtype.name} {x.shape}" for x in self.tensors)
        return f"{type(self).__name__}({shapes}, device='{self.device}')"
