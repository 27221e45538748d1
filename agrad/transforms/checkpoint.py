"""checkpoint: computing again in the backward pass what was not kept in the forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from ..core.device import get_device
from ..core.recording import enable_grad, recording
from ..core.tape import tick
from ..core.tensor import Tensor
from ..ops.journal import Before, Journal, bring_back, journaling
from ..random.generators import current
from . import pytrees
from .arguments import named
from .deferred import Saved, arrays_of, pull_back, record, refuse_others, twins
from .linearized import outside

__all__ = ["checkpoint", "is_recomputing"]

T = TypeVar("T")

_recomputing: ContextVar[bool] = ContextVar("agrad recomputing", default=False)


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that keeps only what `f` is called with, and calls `f` again in the backward pass.

    It trades time for memory. A chain of n blocks keeps what all its ops need. In √n segments of √n blocks, each under
    `checkpoint`, it keeps √n inputs, and while the backward pass is in it, one segment: about 2 √n together, for one
    more forward pass. Halves that are checkpointed, and halves of these, and so on, need about log n, for log n passes.

    Parameters
    ----------
    f : callable
        Takes and returns anything; gradients flow through the floating Tensors among that and in lists, tuples and
        dicts, and to Tensors that `f` uses without taking them, such as a module's parameters. It must compute the
        same again.

    Returns
    -------
    callable
        Takes and returns what `f` does.

    Raises
    ------
    RuntimeError
        In the backward pass, if `f` returns other Tensors or makes other parameters the second time, or if what it
        needs was changed in place.

    Notes
    -----
    The second call finds what the first one found, and leaves no trace. Random numbers of agrad's are drawn as the
    first time (if no other thread draws from them at the same time: see `agrad.random.fork_rng`). Tensors that `f`
    writes in place and buffers that it assigns are what they were then, and get back what they have now afterwards; so
    do other attributes of modules that it assigns. So the running statistics of a `BatchNorm2d` move once, and so does
    ``self.count += 1`` in a module of your own. A copy of what is written in place is saved until the backward pass.

    This is not so for what else `f` changes: lists and dicts, attributes of other objects, files, ``.grad``, arrays
    behind ``x.data``. That happens twice, unless `f` asks `is_recomputing`. Nor is it for what other threads change in
    the same Tensors and modules while the second call runs.

    Nothing warns where a constant that `f` uses without taking it, a mask in a closure for instance, is changed in place
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
        result = call.first((args, kwargs))
        outputs, rest = _tracked(result)
        parents = outside(outputs, since)
        if not parents:
            return result
        arrays = arrays_of(call.arguments, parents)
        made = record("checkpoint", outputs, parents, arrays, call, partial(_again, parents))
        found = iter(made)
        return pytrees.rebuild(result, [next(found) if x is None else x for x in rest])

    return named(checkpointed, f, "checkpoint")


def is_recomputing() -> bool:
    """Return whether the running code is under `checkpoint` and runs again, for the backward pass.

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
    """A call of a function, with all that its result depends on.

    Attributes
    ----------
    arguments : nest
    device : Device
    generators : Generators
        What random numbers come from.
    before : list
        What Tensors and buffers were that the function changes.
    """

    def __init__(self, f: Callable[..., Any], given: Any) -> None:
        self.f, self.arguments = f, twins(given)
        self.device, self.generators = get_device(), current.get().copy()
        self.before: Before = []

    def first(self, given: Any) -> Any:
        """Call the function with what is given, and note what it changes."""
        journal, (args, kwargs), leaves = Journal(), given, pytrees.leaves(given)
        with journaling(journal):
            result = self.f(*args, **kwargs)
        for x, twin in zip(leaves, pytrees.leaves(self.arguments), strict=True):
            if twin is not x and (copy := journal.copy_of(x)) is not None:
                twin._data = copy  # what f writes into others may write into, too
        self.before = journal.close()
        return result

    @contextmanager
    def repeated(self, graph: bool) -> Iterator[tuple[Any, Journal]]:
        """Call the function again as the first time; at the end of the block, what that changes is put back."""
        journal, (args, kwargs) = Journal(), twins(self.arguments)
        draws, again = _setting(current, self.generators.copy()), _setting(_recomputing, True)
        try:
            with journaling(journal), draws, again, enable_grad(), self.device:
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
    """Return the Tensors in a result that gradients flow to, and all leaves with None in their places."""
    leaves = pytrees.leaves(result)
    tracked = [isinstance(x, Tensor) and x._node is not None for x in leaves]
    outputs = [x for x, is_tracked in zip(leaves, tracked, strict=True) if is_tracked]
    return outputs, [None if is_tracked else x for x, is_tracked in zip(leaves, tracked, strict=True)]


def _again(parents: Sequence[Any], g: list[Any], saved: Saved) -> tuple[dict[Any, Any], set[Any]]:
    """The rule: repeat the call, and go back through what it records this time."""
    refuse_others("checkpoint", saved.arrays, arrays_of(saved.call.arguments, parents))
    with saved.call.repeated(graph=isinstance(g[0], Tensor)) as (result, journal):
        outputs, _ = _tracked(result)
        shapes = [tuple(x.shape) for x in g]
        if [x.shape for x in outputs] != shapes:
            raise RuntimeError(
                f"a function under checkpoint returned shapes {[x.shape for x in outputs]} the second time, {shapes} "
                "the first time; it must compute the same again"
            )
        found, shared = pull_back(outputs, g, parents)
        if any(was is x for was in journal.replaced() for x in parents if x not in found):
            raise RuntimeError(
                "a function under checkpoint gave a module another parameter the second time, and the gradient of the "
                "first would be lost; make parameters before it is called"
            )
        return found, shared
