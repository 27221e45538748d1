"""DataParallel: a model that each process trains on its own part of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import finalize, ref

from ..core import hooks
from ..core.device import get_device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..nn.module import Module
from ..random.sampling import get_state, set_state
from .collectives import broadcast
from .gradients import average_gradients
from .same_model import ParameterCheck, check_same_model, value_of_first
from .world import current

__all__ = ["DataParallel"]


class DataParallel(Module):
    """A model whose copies are trained by several processes, each on its own part of the data.

    All copies start as that of rank 0. At the end of each `backward` their gradients are averaged, so that all
    processes take the same step.

    Parameters
    ----------
    module : Module
        The model, of the same structure in all processes.

    Attributes
    ----------
    module : Module
        The model itself.
    synchronizes : bool
        Whether `backward` averages the gradients; see `no_sync`.

    Raises
    ------
    RuntimeError
        If several processes were started and `init` was not called; from `backward`, if it reached other parameters
        than in another process, and with ``AGRAD_DEBUG=1``, if the parameters are no longer the same in all processes.
    ValueError
        If the model has other parameters or buffers than that of rank 0, has them in another order, or requires
        gradients of others.

    Notes
    -----
    - The mean of the gradients is that of one process with the whole batch if the loss is a mean, and the parts are
      of the same size.
    - Parameters, buffers and the state of `agrad.random` are copied from rank 0, once. From then on all processes draw
      the same random numbers, those of dropout too, until they are seeded differently:
      ``agrad.manual_seed(seed + agrad.distributed.get_rank())``.
    - Buffers such as the running statistics of `BatchNorm2d` differ afterwards, as each process has its own batches;
      see `SyncBatchNorm`.
    - `state_dict` and `named_parameters` have the names of the model itself, without a prefix. So a checkpoint fits the
      model with and without `DataParallel`.
    - Every `backward` must reach the same parameters in all processes: add 0 times the sum of the others to the loss.
      Otherwise it raises an error. On a GPU it adds gradients of different parameters, which only ``AGRAD_DEBUG=1``
      tells.
    - `agrad.grad` and `agrad.gradients` do not exchange anything.
    - Copies by `copy.deepcopy` or `pickle` average their gradients too.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> model = agrad.distributed.DataParallel(nn.Linear(2, 1))
    >>> loss = model(agrad.ones((3, 2))).sum()
    >>> loss.backward()  # averages the gradients
    >>> list(model.state_dict())
    ['weight', 'bias']
    """

    def __init__(self, module: Module) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DataParallel takes a module, not {module!r}")
        self.module = module
        self.synchronizes = True
        if current() is not None:
            _copy_from_first(module)
        self._connect()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make it of a copy's attributes: `copy.deepcopy` and `pickle` call it."""
        vars(self).update(state)
        self._connect()

    def _connect(self) -> None:
        """Let every `backward` average the gradients, as it must where there are several processes."""
        if current() is not None:
            self._check = ParameterCheck()
            handle = hooks.attach(hooks.after_backward, _Averaging(self))
            finalize(self, handle.remove)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model."""
        return self.module(*args, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Average no gradients within a ``with`` block, to accumulate those of several backward passes first.

        Yields
        ------
        None
            The next `backward` outside the block averages the accumulated gradients.

        Examples
        --------
        >>> import agrad
        >>> from agrad import nn
        >>> model = agrad.distributed.DataParallel(nn.Linear(2, 1))
        >>> first, second = agrad.ones((3, 2)), agrad.ones((3, 2))
        >>> with model.no_sync():
        ...     model(first).sum().backward()
        >>> model(second).sum().backward()
        """
        before, self.synchronizes = self.synchronizes, False
        try:
            yield
        finally:
            self.synchronizes = before

    def _tree(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        yield prefix, self
        yield from self.module._tree(prefix)  # names have no prefix "module."


class _Averaging:
    """The hook that averages the gradients of a model after a backward pass that reached one of its parameters."""

    def __init__(self, model: DataParallel) -> None:
        self._model = ref(model)  # so that the hook does not keep the model alive

    def __call__(self, reached: Mapping[Tensor, Any]) -> None:
        model = self._model()
        if model is None or not model.synchronizes:
            return
        parameters = list(model.parameters())
        if any(p in reached for p in parameters):
            average_gradients(parameters)
            model._check.note_exchange(model)


@no_grad()
def _copy_from_first(module: Module) -> None:
    """Give the model the parameters and buffers of rank 0, and `agrad.random` its state."""
    check_same_model(module)
    for x in (*module.parameters(), *module.buffers()):
        x[...] = broadcast(x.detach())
    _copy_random_state()


def _copy_random_state() -> None:
    device = get_device().name
    of_first, state = value_of_first([device, get_state()])
    if of_first in state["devices"]:  # each process may have a GPU of its own
        state["devices"][device] = state["devices"][of_first]
    set_state(state)
