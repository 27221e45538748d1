"""SyncBatchNorm: batch normalization over the batches of all processes."""

from __future__ import annotations

from math import prod

from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..nn.batch_norm import BatchNorm
from ..nn.functional.batch_normalization import refuse_vmap, update_running
from ..nn.functional.normalization import affine, per_channel
from ..nn.module import Module
from ..nn.reductions import narrowed, widened
from ..ops.creation import full_like
from ..ops.elementwise import maximum, sqrt
from ..ops.manipulation import stack, unstack
from ..ops.searching import where
from ..ops.statistical import sum
from .collectives import all_gather
from .world import current

__all__ = ["SyncBatchNorm"]


class SyncBatchNorm(BatchNorm):
    """Batch normalization with the mean and variance of the batches of all processes together.

    So each process normalizes as one process would with the whole batch, and all have the same running statistics.
    In evaluation, and where the process is alone, it computes the same as `BatchNorm1d`, `BatchNorm2d` or
    `BatchNorm3d`, which `convert_sync_batchnorm` converts to it.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `BatchNorm2d`.

    Raises
    ------
    ValueError
        On call, if the input is not ``(batch, num_features, ...)``.

    Notes
    -----
    The batches may be of different sizes, or empty. Fewer than two values per channel in all of them leave the running
    statistics unchanged; there is no error, which would have to wait for the device.

    A forward and a backward pass exchange three numbers for each channel. Means and sums of squared deviations of the
    processes are combined as in T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances", 1979.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    >>> model = agrad.distributed.SyncBatchNorm.convert_sync_batchnorm(model)
    >>> type(model[1]).__name__
    'SyncBatchNorm'
    """

    axes = (2, 3, 4, 5)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module) -> Module:
        """Return the module with each batch normalization layer replaced by a SyncBatchNorm with the same parameters.

        Parameters
        ----------
        module : Module
            It is changed in place, unless it is a batch normalization layer itself.

        Returns
        -------
        Module
            `module`, or the layer that replaces it.

        Raises
        ------
        TypeError
            If `module` is no module.
        """
        if not isinstance(module, Module):
            raise TypeError(f"convert_sync_batchnorm takes a module, not {module!r}")
        if isinstance(module, BatchNorm):
            converted = object.__new__(cls)
            vars(converted).update(vars(module))
            return converted
        replaced = {id(child): cls.convert_sync_batchnorm(child) for child in module.children()}
        for name, child in list(vars(module).items()):
            if isinstance(child, Module):  # a shared module has several names
                setattr(module, name, replaced[id(child)])
        return module

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(batch, num_features, ...)``."""
        if current() is None or not self.training:
            return super().forward(input)
        self._check(input)
        refuse_vmap(input, self.running_mean, self.running_var)
        mean, variance, count = _statistics(input)
        self._update(mean, variance, count)
        deviation = widened(input) - per_channel(mean, input)
        out = narrowed(deviation / sqrt(per_channel(variance, input) + self.eps), input)
        return affine(out, self.weight, self.bias, per_channel)

    @no_grad()
    def _update(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        momentum = self._count_batch()
        unbiased = variance * (count / maximum(count - 1, 1))
        for running, latest in ((self.running_mean, mean), (self.running_var, unbiased)):
            if running is not None:
                update_running(running, where(count > 1, latest, running), momentum)


def _statistics(input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean, the variance and the number of values, at least 1, of each channel over all processes."""
    axis = (0, *range(2, input.ndim))
    x, n = widened(input), prod(input.shape[i] for i in axis)
    mean = sum(x, axis=axis) / max(n, 1)
    squares = sum((x - per_channel(mean, x)) ** 2, axis=axis)
    everywhere = all_gather(stack([full_like(mean, n), mean, squares])[None])  # (processes, 3, channels)
    counts, means, sums = unstack(everywhere, axis=1)
    count = maximum(sum(counts, axis=0), 1)  # all may have an empty batch
    whole = sum(counts * means, axis=0) / count
    return whole, sum(sums + counts * (means - whole) ** 2, axis=0) / count, count
