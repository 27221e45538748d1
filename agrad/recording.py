"""Recording on and off: whether ops go onto the tape, in the running context."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import partial, wraps
from inspect import isgeneratorfunction
from typing import Any, Self

recording: ContextVar[bool] = ContextVar("agrad recording", default=True)


class Mode(ContextDecorator):
    """Recording on or off, in a ``with`` block or in a decorated function."""

    _mode: bool

    def __init__(self) -> None:
        # What was there before, and no tokens: another thread or task may leave what this one entered.
        self._before: list[bool] = []

    def _recreate_cm(self) -> Mode:  # a decorated function may run in several threads at once
        return enable_grad() if self._mode else no_grad()

    def __call__(self, function: Any) -> Any:
        """Switch inside a decorated function; inside a generator, while it runs and not while its caller does."""
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"{type(self).__name__} decorates functions, and the methods of a class, not {function!r}")
        return _stepwise(self, function) if isgeneratorfunction(function) else super().__call__(function)

    def __enter__(self) -> None:
        self._before.append(recording.get())
        recording.set(self._mode)

    def __exit__(self, *exc: object) -> None:
        recording.set(self._before.pop())


class no_grad(Mode):  # noqa: N801 - PyTorch's name, used like a function
    """Record nothing: in a ``with`` block, or in a function decorated with ``@no_grad``, with or without parentheses.

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

    def __new__(cls, function: Any = None) -> Self:
        """Return a mode, or in place of it the function that is decorated without parentheses."""
        return super().__new__(cls) if function is None else cls()(function)


class enable_grad(no_grad):  # noqa: N801
    """Record again inside a `no_grad` block: a context manager and decorator, as `no_grad` is.

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


class set_grad_enabled(Mode):  # noqa: N801
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
        if self._before:
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


def _stepwise(mode: Mode, function: Any) -> Any:
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
