"""Sequences of different lengths in one batch: padded to one length, or packed without padding."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from ...checks import as_integer, as_list, check_flags, check_one_of
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.creation import arange, asarray
from ...ops.data_type import astype
from ...ops.gathering import take
from ...ops.manipulation import expand_dims, moveaxis, pad, reshape, stack
from ...ops.searching import where
from ...ops.statistical import sum
from ..reductions import as_tensor

__all__ = ["PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence"]


class PackedSequence(NamedTuple):
    """A batch of sequences of different lengths, without padding.

    Made by `pack_padded_sequence` and `pack_sequence`; recurrent layers take and return it. `data` holds the first
    elements of all sequences, those of the longest sequence first, then the second elements, and so on.

    Parameters
    ----------
    data : Tensor
        The elements, ``(sum of lengths, ...)``. To apply a function to each: ``x._replace(data=relu(x.data))``.
    batch_sizes : tuple of int
        The number of sequences that have an element at each step.
    sorted_indices, unsorted_indices : Tensor, optional
        The permutation that sorts the sequences, longest first, and its inverse; None if they were already sorted.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.utils.rnn import pack_sequence
    >>> packed = pack_sequence([agrad.asarray([1.0, 2.0, 3.0]), agrad.asarray([4.0])])
    >>> packed.data.tolist(), packed.batch_sizes
    ([1.0, 4.0, 2.0, 3.0], (2, 1, 1))
    """

    data: Tensor
    batch_sizes: tuple[int, ...]
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def holding(self, padded: Tensor) -> PackedSequence:
        """Return a padded batch, ``(length, batch, ...)``, packed with the lengths and order of this one."""
        ordered = padded if self.sorted_indices is None else take(padded, self.sorted_indices, axis=1)
        return self._replace(data=_packed(ordered, self.batch_sizes))


def pack_padded_sequence(
    input: ArrayLike, lengths: Sequence[int] | Tensor, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a batch of padded sequences, so that recurrent layers skip the padding.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(length, batch, ...)``, or with the first two axes swapped if `batch_first`.
    lengths : sequence of int, or Tensor
        The length of each sequence, from 1 to `length`.
    batch_first : bool
        Whether the input is ``(batch, length, ...)`` instead of ``(length, batch, ...)``.
    enforce_sorted : bool
        Whether to raise if the sequences are not sorted by length, longest first; if False, they are sorted.

    Returns
    -------
    PackedSequence
        The sequences, longest first.

    Raises
    ------
    ValueError
        If there is not one length for each sequence, if one is out of range, or if they are not sorted.
    TypeError
        If a length is not an integer.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> from agrad.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    >>> packed = pack_padded_sequence(agrad.ones((2, 7, 3)), [4, 7], batch_first=True, enforce_sorted=False)
    >>> outputs, last = nn.GRU(3, 5, batch_first=True)(packed)
    >>> padded, lengths = pad_packed_sequence(outputs, batch_first=True)
    >>> padded.shape, lengths.tolist(), last.shape
    ((2, 7, 5), [4, 7], (1, 2, 5))
    """
    check_flags(batch_first=batch_first, enforce_sorted=enforce_sorted)
    x = as_tensor(input)
    if x.ndim < 2:
        raise ValueError(f"input must have shape (length, batch, ...); it has {x.shape}")
    x = moveaxis(x, 0, 1) if batch_first else x
    counts = _counts(lengths, x)
    descending = all(a >= b for a, b in pairwise(counts))
    if enforce_sorted and not descending:
        raise ValueError(f"lengths must be sorted, longest first, not {counts}; or write enforce_sorted=False")
    rising = sorted(counts)
    sizes = tuple(len(counts) - bisect_right(rising, t) for t in range(rising[-1]))
    if enforce_sorted:
        return PackedSequence(_packed(x, sizes), sizes)
    order = sorted(range(len(counts)), key=counts.__getitem__, reverse=True)
    back = sorted(range(len(counts)), key=order.__getitem__)
    there, back_again = (asarray(numbers, dtype="int64", device=x.device) for numbers in (order, back))
    return PackedSequence(_packed(take(x, there, axis=1), sizes), sizes, there, back_again)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad packed sequences to one length: the inverse of `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
        The packed batch.
    batch_first : bool
        Whether the result is ``(batch, length, ...)`` instead of ``(length, batch, ...)``.
    padding_value : float
        The value of the padding.
    total_length : int, optional
        The length to pad to; by default that of the longest sequence.

    Returns
    -------
    padded : Tensor
        Of shape ``(length, batch, ...)``, or with the first two axes swapped.
    lengths : Tensor
        The length of each sequence: int64, of shape ``(batch,)``.

    Raises
    ------
    ValueError
        If a sequence is longer than `total_length`.
    TypeError
        If `sequence` is not a `PackedSequence`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> packed = pack_sequence([agrad.asarray([4.0]), agrad.asarray([1.0, 2.0, 3.0])], enforce_sorted=False)
    >>> padded, lengths = pad_packed_sequence(packed, batch_first=True)
    >>> padded.tolist(), lengths.tolist()
    ([[4.0, 0.0, 0.0], [1.0, 2.0, 3.0]], [1, 3])
    """
    check_flags(batch_first=batch_first)
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"pad_packed_sequence takes a PackedSequence, not a {type(sequence).__name__}")
    sizes = list(sequence.batch_sizes)
    if total_length is not None:
        as_integer("total_length", total_length)
        if total_length < len(sizes):
            raise ValueError(
                f"total_length={total_length} is less than the length of the longest sequence, {len(sizes)}"
            )
        sizes += [0] * (total_length - len(sizes))
    data, (active, numbers) = sequence.data, _table(sizes, sequence.data)
    starts = asarray(list(accumulate(sizes, initial=0))[:-1], dtype="int64", device=data.device)
    rows = take(data, where(active, expand_dims(starts, axis=1) + numbers, 0), axis=0)
    padded = where(reshape(active, (*active.shape, *[1] * (data.ndim - 1))), rows, padding_value)
    lengths = sum(astype(active, "int64"), axis=0)
    if sequence.unsorted_indices is not None:
        padded = take(padded, sequence.unsorted_indices, axis=1)
        lengths = take(lengths, sequence.unsorted_indices)
    return (moveaxis(padded, 0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Sequence[ArrayLike], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences of different lengths, padded to the length of the longest.

    Parameters
    ----------
    sequences : sequence of ArrayLike
        Each of shape ``(length, ...)``; all but the length must match.
    batch_first : bool
        Whether the result is ``(batch, length, ...)`` instead of ``(length, batch, ...)``.
    padding_value : float
        The value of the padding.
    padding_side : {"right", "left"}
        Whether to pad after the end or before the start of a sequence.

    Returns
    -------
    Tensor
        Of shape ``(length, batch, ...)``, or with the first two axes swapped if `batch_first`.

    Raises
    ------
    ValueError
        If there is no sequence, if their shapes differ in more than the length, or if the side is unknown.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.utils.rnn import pad_sequence
    >>> pad_sequence([agrad.asarray([1, 2, 3]), agrad.asarray([4])], batch_first=True).tolist()
    [[1, 2, 3], [4, 0, 0]]
    """
    check_flags(batch_first=batch_first)
    check_one_of("padding_side", padding_side, ("right", "left"))
    given = [as_tensor(x) for x in as_list("sequences", sequences)]
    shapes = [x.shape for x in given]
    if not given or not all(shape and shape[1:] == shapes[0][1:] for shape in shapes):
        raise ValueError(f"sequences must have shapes (length, ...) that differ in the length only; they have {shapes}")
    longest = max(shape[0] for shape in shapes)
    sides = [(0, longest - n) if padding_side == "right" else (longest - n, 0) for n, *_ in shapes]
    around = [(0, 0)] * (len(shapes[0]) - 1)
    padded = [pad(x, [side, *around], constant_values=padding_value) for x, side in zip(given, sides, strict=True)]
    return stack(padded, axis=0 if batch_first else 1)


def pack_sequence(sequences: Sequence[ArrayLike], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Parameters
    ----------
    sequences : sequence of ArrayLike
        Each of shape ``(length, ...)``; all but the length must match.
    enforce_sorted : bool
        As in `pack_padded_sequence`.

    Returns
    -------
    PackedSequence
        The sequences, longest first.

    Raises
    ------
    ValueError
        As `pad_sequence` and `pack_padded_sequence`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.utils.rnn import pack_sequence
    >>> pack_sequence([agrad.asarray([1.0, 2.0, 3.0]), agrad.asarray([4.0])]).data.tolist()
    [1.0, 4.0, 2.0, 3.0]
    """
    check_flags(enforce_sorted=enforce_sorted)
    sequences = as_list("sequences", sequences)
    padded = pad_sequence(sequences)
    return pack_padded_sequence(padded, [len(x) for x in sequences], enforce_sorted=enforce_sorted)


def _counts(lengths: Any, x: Tensor) -> list[int]:
    """Return the lengths as integers; ValueError if they do not match the padded batch."""
    listed = lengths.tolist() if hasattr(lengths, "tolist") else as_list("lengths", lengths)
    counts = [as_integer("a length", n, 1, x.shape[0]) for n in as_list("lengths", listed)]
    if len(counts) != x.shape[1] or not counts:
        raise ValueError(
            f"lengths must hold one integer for each sequence, and at least one; there are {x.shape[1]} sequences, and "
            f"lengths={counts}"
        )
    return counts


def _table(sizes: Sequence[int], like: Tensor) -> tuple[Tensor, Tensor]:
    """Return a mask ``(length, batch)``, True where a sequence has an element, and the indices of the batch."""
    numbers = arange(sizes[0], dtype="int64", device=like.device)
    return numbers < expand_dims(asarray(sizes, dtype="int64", device=like.device), axis=1), numbers


def _packed(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return the elements of padded sequences, longest first, without the padding."""
    active, numbers = _table(sizes, x)
    steps = arange(len(sizes), dtype="int64", device=x.device)
    places = expand_dims(steps * x.shape[1], axis=1) + numbers
    return take(reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:])), places[active], axis=0)
