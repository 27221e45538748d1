"""Recording on and off: whether ops go onto the tape, in the running context."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import partial, wraps
from inspect import isgeneratorfunction
from typing import Any

recording: ContextVar[bool] = ContextVar("agrad recording", default=True)


class no_grad(ContextDecorator):  # noqa: N801 - PyTorch's name, used like a function
    """Record nothing: in a ``with`` block, or in a function decorated with ``@no_grad()``.

    Results then require no gradient, and writing in place changes the buffer itself.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> with agrad.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    _mode = False

    def __init__(self) -> None:
        # What was there before, and no tokens: another thread or task may leave what this one entered.
        self._before: list[bool] = []

    def _recreate_cm(self) -> no_grad:  # a decorated function may run in several threads at once
        return enable_grad() if self._mode else no_grad()

    def __call__(self, function: Any) -> Any:
        """Switch inside a decorated function; inside a generator, while it runs and not while its caller does."""
        return _stepwise(self, function) if isgeneratorfunction(function) else super().__call__(function)

    def __enter__(self) -> None:
        self._before.append(recording.get())
        recording.set(self._mode)

    def __exit__(self, *exc: object) -> None:
        recording.set(self._before.pop())


class enable_grad(no_grad):  # noqa: N801
    """Record again inside a `no_grad` block: a context manager and decorator.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> with agrad.no_grad(), agrad.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """

    _mode = True


class set_grad_enabled(no_grad):  # noqa: N801
    """Turn recording on or off from here on, or for a ``with`` block or a decorated function only.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> with agrad.set_grad_enabled(False):
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._mode = bool(mode)
        super().__enter__()

    def __enter__(self) -> None:
        if not self._before:  # it is in force since it was made; here it is used again
            super().__enter__()

    def __call__(self, function: Any) -> Any:
        """Switch inside a decorated function only."""
        self.__exit__()
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Return whether ops are recorded now.

    Examples
    --------
    >>> import agrad
    >>> agrad.is_grad_enabled()
    True
    """
    return recording.get()


def _stepwise(mode: no_grad, function: Any) -> Any:
    """Return a generator function each of whose steps is taken in a mode of recording."""

    @wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Any:
        steps = function(*args, **kwargs)
        step = partial(next, steps)
        try:
            while True:
                try:
                    with mode._recreate_cm():
                        value = step()
                except StopIteration as end:
                    return end.value
                try:
                    step = partial(steps.send, (yield value))
                except Exception as error:
                    step = partial(steps.throw, error)
        finally:
            steps.close()

    return generator
