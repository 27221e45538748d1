"""Gradients of functions: `grad`, `value_and_grad`, `elementwise_grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks import check_callable, check_flags
from ..core.tensor import Tensor, wrap
from ..ops.statistical import sum as total
from . import pytrees
from .arguments import FOR_TENSORS, Argnums, as_argnums, named
from .linearized import Linearized

__all__ = ["elementwise_grad", "grad", "value_and_grad"]


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`.

    Parameters
    ----------
    f : callable
        Returns a real Tensor of one element, or with `has_aux` a pair of that and auxiliary data.
    argnums : int or sequence of int
        The positions of the arguments to differentiate with respect to. Each is a floating Tensor, array or number, or
        a pytree of them.
    has_aux : bool
        Whether `f` returns auxiliary data besides the Tensor.

    Returns
    -------
    callable
        Takes the arguments of `f`, and returns the gradient with respect to the argument, a pytree of the same
        structure; a tuple of gradients for several `argnums`; with `has_aux` a pair of that and the auxiliary data. The
        gradient of an unused argument is zeros. The gradient can be differentiated again, also with respect to Tensors
        that `f` closes over.

    Raises
    ------
    TypeError
        If the argument is not floating, or if `f` returns anything else.
    ValueError
        If the call has no argument at that position.

    Notes
    -----
    For a complex argument it is PyTorch's gradient, ``d/dRe + 1j * d/dIm``: the direction of steepest ascent.

    Examples
    --------
    >>> import agrad
    >>> cube = lambda x: x**3
    >>> agrad.grad(cube)(2.0), agrad.grad(agrad.grad(cube))(2.0)
    (Tensor(12., dtype=float32, device='cpu'), Tensor(12., dtype=float32, device='cpu'))
    >>> agrad.grad(lambda line, x: line["weight"] * x + line["bias"])({"weight": 3.0, "bias": 1.0}, 2.0)
    {'weight': Tensor(2., dtype=float32, device='cpu'), 'bias': Tensor(1., dtype=float32, device='cpu')}
    """
    check_flags(has_aux=has_aux)
    check_callable("agrad.grad", f, FOR_TENSORS)
    places = as_argnums(argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        at = Linearized(f, args, kwargs, places, has_aux)
        found = _gradient(at, argnums)
        return (found, at.settled(at.aux)) if has_aux else found

    return named(gradient, f, "grad")


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the value and the gradient of `f`.

    Parameters
    ----------
    f, argnums, has_aux
        As in `grad`.

    Returns
    -------
    callable
        Takes the arguments of `f`, and returns a pair: what `f` returns, and the gradient.

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
    places = as_argnums(argnums)

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        at = Linearized(f, args, kwargs, places, has_aux)
        found = _gradient(at, argnums)
        value = (at.settled(at.outputs), at.settled(at.aux)) if has_aux else at.settled(at.outputs)
        return value, found

    return named(value_and_gradient, f, "value_and_grad")


def _gradient(at: Linearized, argnums: Argnums) -> Any:
    """Return the gradient with respect to one argument, or a tuple of those of several."""
    found = pytrees.unflatten(at.picked, at.pull([_one(at.outputs)], retain=False))
    return found[0] if isinstance(argnums, int) else tuple(found)


def _one(output: Any) -> Tensor:
    """Return a cotangent of 1 for the output of a function; TypeError if it is not one real number."""
    if not isinstance(output, Tensor) or output.size != 1 or output.dtype.is_complex:
        kind = (
            f"{output.dtype.name} of shape {output.shape}"
            if isinstance(output, Tensor)
            else f"a {type(output).__name__}"
        )
        raise TypeError(
            f"a gradient needs a function that returns one real number, this one returns {kind}; "
            "reduce it to one (.sum(), agrad.real), or write agrad.jacobian or agrad.vjp"
        )
    return wrap(output._device.xp.ones_like(output._data), output._device)


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes the derivative of an elementwise function at each element.

    Parameters
    ----------
    f : callable
        Returns a real Tensor of any shape, each element of which depends on one element of the argument only.
    argnums : int or sequence of int
        As in `grad`.

    Returns
    -------
    callable
        Takes the arguments of `f`, and returns the gradient of the sum of its result: for such a function, the
        derivative at each element.

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
