"""Recording on and off: whether ops go onto the tape, in the running context."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import partial, wraps
from inspect import iscoroutinefunction, isgeneratorfunction
from typing import Any, Self

__all__ = ["Mode", "enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]

recording: ContextVar[bool] = ContextVar("agrad recording", default=True)
# The modes entered in the running context, innermost last, each with the value of `recording` before.
_entered: ContextVar[tuple[tuple[Mode, bool], ...]] = ContextVar("agrad modes", default=())


class Mode(ContextDecorator):
    """Recording on or off, in a ``with`` block or in a decorated function."""

    _mode: bool

    def _recreate_cm(self) -> Mode:  # a decorated function may run in several threads at once
        return enable_grad() if self._mode else no_grad()

    def __call__(self, function: Any) -> Any:
        """Switch inside a decorated function; inside a generator, while it runs and not while its caller does."""
        if isinstance(function, type) or not callable(function) or iscoroutinefunction(function):
            raise TypeError(
                f"{type(self).__name__} decorates functions, and the methods of a class, not {function!r}; "
                f"write `with agrad.{type(self).__name__}():` inside"
            )
        return _stepwise(self, function) if isgeneratorfunction(function) else super().__call__(function)

    def __enter__(self) -> None:
        self._enter(recording.get())

    def _enter(self, before: bool) -> None:
        _entered.set((*_entered.get(), (self, before)))
        recording.set(self._mode)

    def __exit__(self, *exc: object) -> None:
        entered = _entered.get()
        for i in reversed(range(len(entered))):  # none is this one if another task closes the generator that entered it
            mode, before = entered[i]
            if mode is self:
                _entered.set(entered[:i])
                recording.set(before)
                break


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
        """Return a mode; for ``@no_grad`` without parentheses, the decorated function."""
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
        self._mode = bool(mode)
        self._before: bool | None = recording.get()  # it is in force from here on
        recording.set(self._mode)

    def __enter__(self) -> None:
        before, self._before = self._before, None  # None where it is used again
        self._enter(recording.get() if before is None else before)

    def __call__(self, function: Any) -> Any:
        """Switch inside a decorated function only."""
        before, self._before = self._before, None
        if before is not None:
            recording.set(before)
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Return whether ops are recorded now.

    Returns
    -------
    bool
        False under `no_grad`.

    Examples
    --------
    >>> import agrad
    >>> agrad.is_grad_enabled()
    True
    """
    return recording.get()


def _stepwise(mode: Mode, function: Any) -> Any:
    """Return a generator function, each step of which runs in the mode."""

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
