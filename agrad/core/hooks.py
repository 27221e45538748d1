"""Hooks: functions that users attach to Tensors and modules, and the handles that remove them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from math import inf
from typing import Any, Final

from . import errors
from .tensor import Tensor, wrap

__all__ = ["RemovableHandle", "after_backward", "attach", "follow", "ordered", "run"]

LAST: Final = inf  # the key of the hook of `retain_grad`, which runs behind all others
_number = count().__next__
after_backward: dict[float, Any] = {}  # called at the end of each `backward`, with the leaves that it reached


class RemovableHandle:
    """A registered hook: `remove` removes it, and so does leaving a ``with`` block.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(3.0, requires_grad=True)
    >>> with x.register_hook(lambda g: 10 * g):
    ...     (x * x).backward()
    >>> x.grad
    Tensor(60., dtype=float32, device='cpu')
    """

    def __init__(self, hooks: dict[float, Any], key: float) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def attach(hooks: dict[float, Any], hook: Any, first: bool = False) -> RemovableHandle:
    """Add a hook to a dict of hooks, to run last or, with `first`, first."""
    function = hook[0] if isinstance(hook, tuple) else hook
    if not callable(function):
        raise TypeError(f"a hook must be a function, not {function!r}")
    key = -_number() - 1 if first else _number()
    hooks[key] = hook
    return RemovableHandle(hooks, key)


def ordered(hooks: Mapping[float, Any]) -> list[Any]:
    """Return the hooks in the order in which they run."""
    return [hooks[key] for key in sorted(hooks)]


def follow(old: Any, new: Any) -> None:
    """Move the hook of `retain_grad` to the new Node of a Tensor that is written in place."""
    retain = getattr(old, "hooks", {}).pop(LAST, None)
    if retain is not None and new is not None:
        new.hooks = {LAST: retain}


def run(hooks: dict[float, Callable[[Tensor], Tensor | None]], gradient: Tensor, graph: bool) -> Tensor:
    """Call the hooks of a Tensor with its gradient, and return the gradient or what a hook returned in its place.

    Unless `graph`, what a hook returned is copied: it has no history and shares no memory.

    Raises
    ------
    TypeError
        If a hook returns something else than None or a Tensor.
    ValueError
        If a hook returns a Tensor of another shape, dtype or device.
    """
    for hook in ordered(hooks):
        result = hook(gradient)
        if result is None or result is gradient:
            continue
        if not isinstance(result, Tensor):
            raise errors.wrong_hook(hook, result)
        if (result.shape, result.dtype, result.device) != (gradient.shape, gradient.dtype, gradient.device):
            raise errors.wrong_gradient(result, gradient)
        gradient = result if graph else wrap(result._device.backend.copy(result._data), result._device)
    return gradient
