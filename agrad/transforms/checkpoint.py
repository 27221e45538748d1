"""checkpoint: recompute a function in the backward pass instead of saving its intermediate values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from ..core.device import get_device, opened
from ..core.grad_mode import enable_grad, recording
from ..core.tape import tick
from ..core.tensor import Tensor
from ..ops.journal import Before, Journal, bring_back, journaling
from ..random.generators import current
from . import pytrees
from .arguments import named
from .deferred import Saved, arrays_of, check_same_arrays, keep_tape, new_handles, pull_back, record
from .linearized import outside

__all__ = ["checkpoint", "is_recomputing"]

T = TypeVar("T")

_recomputing: ContextVar[bool] = ContextVar("agrad recomputing", default=False)


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that saves only the arguments of `f`, and calls `f` again in the backward pass.

    It trades time for memory. A chain of n blocks saves the values of all its ops. In √n segments of √n blocks, each
    under `checkpoint`, it saves √n inputs, and one segment during its backward pass: about 2 √n together, for one more
    forward pass. Checkpointed halves, nested recursively, need about log n, for log n forward passes.

    Parameters
    ----------
    f : callable
        Takes and returns anything. Gradients flow through the floating Tensors in its arguments and results, also in
        pytrees, and to Tensors that `f` closes over, such as a module's parameters. Each call must compute the same.

    Returns
    -------
    callable
        With the arguments and results of `f`.

    Raises
    ------
    RuntimeError
        In the backward pass, if the second call of `f` returns other shapes or assigns other parameters, or if a saved
        Tensor was changed in place.

    Notes
    -----
    The second call starts from the same state as the first, and its side effects are undone. agrad's random numbers
    are the same (unless another thread draws from the same generators: see `agrad.random.fork_rng`). Tensors that `f`
    writes in place, buffers and other module attributes that it assigns get their values from before the first call,
    and are restored afterwards. So a `BatchNorm2d` updates its running statistics once, and ``self.count += 1`` in a
    module of your own counts once. A Tensor written in place is copied, and the copy saved until the backward pass.

    Other side effects happen twice, unless `f` checks `is_recomputing`: changes of lists and dicts, of attributes of
    other objects, of files, of ``.grad``, of arrays accessed by ``x.data``. Nor may other threads change the same
    Tensors and modules while the second call runs.

    Nothing warns where a constant that `f` uses without taking it, such as a mask in a closure, is changed in place
    between the two calls: the gradient is then that of the changed value. Pass it to `f` as an argument instead.

    Examples
    --------
    >>> import agrad
    >>> block = lambda x: agrad.exp(agrad.sin(agrad.exp(x)))
    >>> x = agrad.tensor(0.5, requires_grad=True)
    >>> agrad.checkpoint(block)(x).backward()
    >>> again = agrad.grad(block)(0.5)
    >>> x.grad.item() == again.item()
    True
    """

    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not recording.get():
            return f(*args, **kwargs)
        since, call = tick(), _Call(f, (args, kwargs))
        with keep_tape():
            result = call.first((args, kwargs))
        outputs, rest = _tracked(result)
        parents = outside(outputs, since)
        if not parents:
            return result
        arrays = arrays_of(call.arguments, parents)
        recorded = iter(record("checkpoint", outputs, parents, arrays, call, partial(_recompute, parents)))
        return pytrees.unflatten(result, [next(recorded) if x is None else x for x in rest])

    return named(checkpointed, f, "checkpoint", "")


def is_recomputing() -> bool:
    """Return whether the running code is the second call of a function under `checkpoint`, for the backward pass.

    Returns
    -------
    bool
        False in the first call, and outside of `checkpoint`.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> seen = []
    >>> @agrad.checkpoint
    ... def square(x):
    ...     if not agrad.is_recomputing():
    ...         seen.append(x.item())
    ...     return x * x
    >>> square(x).backward()
    >>> seen
    [2.0]
    """
    return _recomputing.get()


class _Call:
    """A call of a function, with the state that its result depends on.

    Attributes
    ----------
    arguments : pytree
        The positional and keyword arguments.
    device : Device
        The current device.
    generators : Generators
        The random generators.
    opened : tuple of Device
        The virtual devices that were open.
    before : list
        The values of the Tensors and buffers that the function changes, from before the call.
    """

    def __init__(self, f: Callable[..., Any], given: Any) -> None:
        self.f, self.arguments = f, new_handles(given)
        self.device, self.generators, self.opened = get_device(), current.get().copy(), opened.get()
        self.before: Before = []

    def first(self, given: Any) -> Any:
        """Call the function with the given arguments, and record what it changes."""
        journal, (args, kwargs) = Journal(), given
        leaves = pytrees.flatten(given)
        with journaling(journal):
            result = self.f(*args, **kwargs)
        for x, twin in zip(leaves, pytrees.flatten(self.arguments), strict=True):
            if twin is not x and (copy := journal.copy_of(x)) is not None:
                twin._data = copy  # f writes into x, so save its value from before
        self.before = journal.close()
        return result

    @contextmanager
    def repeated(self, graph: bool) -> Iterator[tuple[Any, Journal]]:
        """Repeat the first call; at the end of the block, what it changed is restored."""
        journal, (args, kwargs) = Journal(), new_handles(self.arguments)
        generators, recomputing = _setting(current, self.generators.copy()), _setting(_recomputing, True)
        try:
            with (
                journaling(journal),
                generators,
                recomputing,
                _setting(opened, self.opened),
                enable_grad(),
                self.device,
            ):
                bring_back(self.before)
                result = self.f(*args, **kwargs)
            yield result, journal
        finally:
            journal.undo(graph)


@contextmanager
def _setting(variable: ContextVar[T], value: T) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def _tracked(result: Any) -> tuple[list[Tensor], list[Any]]:
    """Return the tracked Tensors of a result, and all its leaves with None in their places."""
    leaves = pytrees.flatten(result)
    tracked = [isinstance(x, Tensor) and x._node is not None for x in leaves]
    outputs = [x for x, is_tracked in zip(leaves, tracked, strict=True) if is_tracked]
    return outputs, [None if is_tracked else x for x, is_tracked in zip(leaves, tracked, strict=True)]


def _recompute(parents: Sequence[Any], g: list[Any], saved: Saved) -> tuple[dict[Any, Any], set[Any]]:
    """The gradient rule: repeat the call, and propagate the cotangents back through what it records."""
    check_same_arrays("checkpoint", saved.arrays, arrays_of(saved.call.arguments, parents))
    with saved.call.repeated(graph=isinstance(g[0], Tensor)) as (result, journal):
        outputs, _ = _tracked(result)
        shapes = [tuple(x.shape) for x in g]
        if [x.shape for x in outputs] != shapes:
            raise RuntimeError(
                f"a function under checkpoint returned shapes {[x.shape for x in outputs]} the second time, {shapes} "
                "the first time; each call must compute the same"
            )
        found, shared = pull_back(outputs, g, parents)
        if any(was is x for was in journal.replaced() for x in parents if x not in found):
            raise RuntimeError(
                "a function under checkpoint assigned another parameter to a module the second time, and the gradient "
                "of the first would be lost; create parameters before it is called"
            )
        return found, shared
