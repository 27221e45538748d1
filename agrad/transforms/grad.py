"""Gradients of functions: `grad`, `value_and_grad`, `elementwise_grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks import check_callable, check_flags
from ..core.tensor import Tensor, wrap
from ..ops.statistical import sum as total
from . import pytrees
from .arguments import FOR_TENSORS, Argnums, named, numbers
from .linearized import Linearized

__all__ = ["elementwise_grad", "grad", "value_and_grad"]


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`.

    Parameters
    ----------
    f : callable
        Returns one real number as a Tensor of one element, or with `has_aux` a pair of that and of anything.
    argnums : int or sequence of int
        The positions of the arguments to differentiate with respect to. Each is a floating Tensor, array or number, or
        lists, tuples and dicts of them.
    has_aux : bool
        Whether `f` returns something beside the number.

    Returns
    -------
    callable
        Takes what `f` takes, and returns the gradient with respect to the argument, nested as the argument is; a tuple
        of them for several `argnums`; with `has_aux` a pair of that and of what `f` returned beside. An argument that
        `f` does not use has zeros. The gradient can be differentiated again, also with respect to Tensors that `f`
        uses and does not take.

    Raises
    ------
    TypeError
        If the argument is not floating, or `f` returns something else.
    ValueError
        If the call has no argument of that position.

    Notes
    -----
    For a complex argument it is PyTorch's gradient, ``d/dRe + 1j * d/dIm``: the direction of steepest ascent.

    Examples
    --------
    >>> import agrad
    >>> cube = lambda x: x**3
    >>> agrad.grad(cube)(2.0), agrad.grad(agrad.grad(cube))(2.0)
    (Tensor(12., dtype=float32, device='cpu'), Tensor(12., dtype=float32, device='cpu'))
    >>> agrad.grad(lambda line, x: line["slope"] * x + line["shift"])({"slope": 3.0, "shift": 1.0}, 2.0)
    {'slope': Tensor(2., dtype=float32, device='cpu'), 'shift': Tensor(1., dtype=float32, device='cpu')}
    """
    check_flags(has_aux=has_aux)
    check_callable("agrad.grad", f, FOR_TENSORS)
    both = value_and_grad(f, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return named(gradient, f, "grad")


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes `f` and its gradient.

    Parameters
    ----------
    f, argnums, has_aux
        As in `grad`.

    Returns
    -------
    callable
        Takes what `f` takes, and returns a pair: what `f` returns, and the gradient.

    Raises
    ------
    TypeError, ValueError
        As `grad`.

    Examples
    --------
    >>> import agrad
    >>> agrad.value_and_grad(lambda x: (x * x).sum())(agrad.asarray([1.0, 2.0]))
    (Tensor(5., dtype=float32, device='cpu'), Tensor([2., 4.], dtype=float32, device='cpu'))
    """
    check_flags(has_aux=has_aux)
    places = numbers(argnums)

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        at = Linearized(f, args, kwargs, places, has_aux)
        pulled = at.pull([_one(at.outputs)], retain=False)
        found = pytrees.rebuild(at.picked, pulled)
        value = (at.settled(at.outputs), at.settled(at.aux)) if has_aux else at.settled(at.outputs)
        return value, found[0] if isinstance(argnums, int) else tuple(found)

    return named(value_and_gradient, f, "value_and_grad")


def _one(output: Any) -> Tensor:
    """Return the cotangent of the only real number that a function returned."""
    if not isinstance(output, Tensor) or output.size != 1 or output.dtype.is_complex:
        kind = (
            f"{output.dtype.name} of shape {output.shape}"
            if isinstance(output, Tensor)
            else f"a {type(output).__name__}"
        )
        raise TypeError(
            f"only a function that returns one real number has a gradient, this one returns {kind}; "
            "make one number of it (.sum(), agrad.real), or write agrad.jacobian or agrad.vjp"
        )
    return wrap(output._device.xp.ones_like(output._data), output._device)


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes the derivatives of a function that works element by element, all at once.

    Parameters
    ----------
    f : callable
        Returns a real Tensor of any shape, each element of which depends on one element of the argument.
    argnums : int or sequence of int
        As in `grad`.

    Returns
    -------
    callable
        The gradient of the sum of what `f` returns: for such a function its derivative at each element.

    Examples
    --------
    >>> import agrad
    >>> slope = agrad.elementwise_grad(agrad.square)
    >>> slope(agrad.asarray([1.0, 2.0, 3.0]))
    Tensor([2., 4., 6.], dtype=float32, device='cpu')
    >>> agrad.elementwise_grad(slope)(agrad.asarray([1.0, 2.0, 3.0]))
    Tensor([2., 2., 2.], dtype=float32, device='cpu')
    """

    def summed(*args: Any, **kwargs: Any) -> Tensor:
        return total(f(*args, **kwargs))

    return named(grad(summed, argnums), f, "elementwise_grad")
