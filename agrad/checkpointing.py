"""checkpoint: computing again in the backward pass what was not kept in the forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from . import random, trees
from .core.device import get_device
from .core.tape import tick
from .core.tensor import Tensor
from .core.transforms import named, outside
from .deferred import Kept, arrays_of, pull_back, record, refuse_others, twins
from .recording import enable_grad, recording

__all__ = ["checkpoint"]


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
        same again: random numbers of agrad's are drawn as the first time.

    Returns
    -------
    callable
        Takes and returns what `f` does.

    Raises
    ------
    RuntimeError
        In the backward pass, if `f` returns other Tensors the second time, or what it needs was changed in place.

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
        since, call = tick(), _Call(f, twins((args, kwargs)))
        result = f(*args, **kwargs)
        outputs, rest = _tracked(result)
        parents = outside(outputs, since)
        if not parents:
            return result
        arrays = arrays_of(call.arguments, parents)
        made = record("checkpoint", outputs, parents, arrays, call, partial(_again, parents))
        found = iter(made)
        return trees.rebuild(result, [next(found) if x is None else x for x in rest])

    return named(checkpointed, f, "checkpoint")


class _Call:
    """A call of a function, with the circumstances that its result depends on."""

    def __init__(self, f: Callable[..., Any], arguments: Any) -> None:
        self.f, self.arguments = f, arguments
        self.device, self.state = get_device(), random.get_state()

    def repeat(self) -> Any:
        """Call the function again."""
        args, kwargs = twins(self.arguments)
        now = random.get_state()
        random.set_state(self.state)
        try:
            with enable_grad(), self.device:
                return self.f(*args, **kwargs)
        finally:
            random.set_state(now)


def _tracked(result: Any) -> tuple[list[Tensor], list[Any]]:
    """Return the Tensors in a result that gradients flow to, and all leaves with None in their places."""
    leaves = trees.leaves(result)
    tracked = [isinstance(x, Tensor) and x._node is not None for x in leaves]
    outputs = [x for x, is_tracked in zip(leaves, tracked, strict=True) if is_tracked]
    return outputs, [None if is_tracked else x for x, is_tracked in zip(leaves, tracked, strict=True)]


def _again(parents: Sequence[Any], g: list[Any], kept: Kept) -> tuple[dict[Any, Any], set[Any]]:
    """The rule: repeat the call, and go back through what it records this time."""
    refuse_others("checkpoint", kept.arrays, arrays_of(kept.call.arguments, parents))
    outputs, _ = _tracked(kept.call.repeat())
    shapes = [tuple(x.shape) for x in g]
    if [x.shape for x in outputs] != shapes:
        raise RuntimeError(
            f"a function under checkpoint returned shapes {[x.shape for x in outputs]} the second time, {shapes} the "
            "first time; it must compute the same again"
        )
    return pull_back(outputs, g, parents)
