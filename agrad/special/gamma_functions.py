"""The logarithm of the gamma function and its derivatives, incomplete gamma, beta and zeta functions.

Source of the derivatives: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapters 5, 8 and 25.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, nan
from typing import Any, Final

from ..core.grad_mode import is_grad_enabled
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.elementwise import equal, exp, multiply
from ..ops.gathering import op_for
from ..ops.library import floating, floats, library
from ..ops.searching import where
from .entropy import xlog1py, xlogy
from .series import horner

__all__ = [
    "beta", "betainc", "betaln", "digamma", "gamma", "gammainc", "gammaincc", "gammaln", "polygamma", "psi", "zeta",
]  # fmt: skip

_LAST_FACTORIAL: Final = 170  # the largest n whose factorial is finite in float64
_FAR: Final = 16.0  # for larger numbers, the series below is accurate to float64
_DIGAMMA_TAIL: Final = [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12]


def _refusal(op: str, argument: str) -> Callable[..., Any]:
    """Return a gradient rule that raises, for an argument without a known gradient."""

    def refuse(g: Any) -> Any:
        raise _unknown(op, argument)

    return refuse


def _unknown(op: str, argument: str) -> NotImplementedError:
    return NotImplementedError(
        f"{op} has no gradient with respect to {argument}; write {argument}.detach() to treat it as a constant"
    )


@primitive
def gamma(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the gamma function, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(10 * agrad.special.gamma(agrad.asarray([1.0, 4.0, 5.0])))
    Tensor([ 10.,  60., 240.], dtype=float32, device='cpu')
    """
    return library(xp, "gamma", x)


@primitive
def gammaln(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the logarithm of the absolute value of the gamma function, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype; infinite at 0, -1, -2 ...

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(agrad.exp(agrad.special.gammaln(agrad.asarray([1.0, 3.0, 5.0]))))
    Tensor([ 1.,  2., 24.], dtype=float32, device='cpu')
    """
    return library(xp, "gammaln", x)


@primitive
def digamma(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the derivative of `gammaln`, elementwise; `psi` is an alias.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype; NaN at -1, -2 ...

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.digamma(agrad.asarray([0.5, 1.0, 10.0])))
    Tensor([-1964.,  -577.,  2252.], dtype=float32, device='cpu')
    """
    return library(xp, "digamma", x)


psi = digamma


def polygamma(n: ArrayLike, x: ArrayLike) -> Tensor:
    """Return the `n`-th derivative of `digamma`, elementwise; there is no gradient with respect to `n`.

    Parameters
    ----------
    n : ArrayLike
        Non-negative integers.
    x : ArrayLike
        Real, of a shape that broadcasts with `n`'s.

    Returns
    -------
    Tensor
        Of the broadcast shape, and the dtype of `x`; NaN where `n` is negative or not an integer.

    Raises
    ------
    ValueError
        If `n` is a negative int.
    TypeError
        If `x` is complex.
    NotImplementedError
        If `n` requires gradients.

    Notes
    -----
    Source: M. Abramowitz and I. A. Stegun, "Handbook of mathematical functions", 6.4.10.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.polygamma(1, agrad.asarray([0.5, 1.0, 10.0])))
    Tensor([4935., 1645.,  105.], dtype=float32, device='cpu')
    """
    x = floating(x)
    if isinstance(n, int) and n <= _LAST_FACTORIAL:
        if n < 0:
            raise ValueError(f"polygamma takes n of 0 or larger, not {n}")
        return digamma(x) if n == 0 else multiply((-1) ** (n + 1) * float(factorial(n)), zeta(n + 1, x))
    n = floating(n, x)
    if n.requires_grad and is_grad_enabled():
        raise _unknown("polygamma", "n")
    sign = where((n < 0.0) | (n % 1.0 != 0.0), nan, 1.0 - 2.0 * ((n + 1.0) % 2.0))
    return where(equal(n, 0.0), digamma(x), sign * exp(gammaln(n + 1.0)) * zeta(n + 1.0, x))


@primitive
def zeta(xp: Namespace, x: ArrayLike, q: ArrayLike | None = None) -> Tensor:
    """Return the Hurwitz zeta function, elementwise; without `q` the Riemann zeta function.

    There is a gradient with respect to `q` only.

    Parameters
    ----------
    x : ArrayLike
        Real, larger than 1.
    q : ArrayLike, optional
        Real, of a shape that broadcasts with that of `x`; 1 if left out.

    Returns
    -------
    Tensor
        The sum of ``(k + q)**-x`` over k = 0, 1, 2 ..., of the broadcast shape and the promoted dtype; NaN where `x`
        is below 1, except for SciPy's Riemann zeta function, which is continued analytically.

    Raises
    ------
    TypeError
        If an argument is complex.
    NotImplementedError
        In the backward pass, if `x` requires gradients.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.zeta(agrad.asarray([2.0, 4.0])))
    Tensor([1645., 1082.], dtype=float32, device='cpu')
    """
    return library(xp, "zeta", x) if q is None else library(xp, "zeta", x, q)


gamma.vjp(x=lambda g, x, out, xp: g * out * op_for(digamma, xp)(x))
gammaln.vjp(x=lambda g, x, xp: g * op_for(digamma, xp)(x))
digamma.vjp(x=lambda g, x, xp: g * op_for(zeta, xp)(2.0, x))


def _zeta_q(g: Array, x: Array, q: Array, xp: Namespace) -> Array:
    x, q = floats(xp, x, q)
    return g * (-x * op_for(zeta, xp)(x + 1.0, q))


zeta.vjp(x=_refusal("zeta", "x"), q=_zeta_q)


@primitive
def gammainc(xp: Namespace, a: ArrayLike, x: ArrayLike, /) -> Tensor:
    """Return the regularized lower incomplete gamma function, elementwise.

    There is a gradient with respect to `x` only.

    Parameters
    ----------
    a, x : ArrayLike
        Real, not negative, of shapes that broadcast.

    Returns
    -------
    Tensor
        The integral of ``t**(a - 1) * exp(-t)`` from 0 to `x`, divided by ``gamma(a)``: of the broadcast shape and the
        promoted dtype.

    Raises
    ------
    TypeError
        If an argument is complex.
    NotImplementedError
        In the backward pass, if `a` requires gradients.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.gammainc(2.0, agrad.asarray([0.0, 1.0, 10.0])))
    Tensor([   0.,  264., 1000.], dtype=float32, device='cpu')
    """
    return library(xp, "gammainc", a, x)


@primitive
def gammaincc(xp: Namespace, a: ArrayLike, x: ArrayLike, /) -> Tensor:
    """Return the regularized upper incomplete gamma function, elementwise: ``1 - gammainc(a, x)``.

    There is a gradient with respect to `x` only.

    Parameters
    ----------
    a, x : ArrayLike
        As in `gammainc`.

    Returns
    -------
    Tensor
        As in `gammainc`.

    Raises
    ------
    TypeError, NotImplementedError
        As in `gammainc`.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.gammaincc(2.0, agrad.asarray([0.0, 1.0, 10.0])))
    Tensor([1000.,  736.,    0.], dtype=float32, device='cpu')
    """
    return library(xp, "gammaincc", a, x)


def _gamma_density(xp: Namespace, a: Array, x: Array) -> Array:
    """Return ``x**(a - 1) * exp(-x) / gamma(a)``."""
    a, x = floats(xp, a, x)
    return xp.exp(op_for(xlogy, xp)(a - 1.0, x) - x - op_for(gammaln, xp)(a))


gammainc.vjp(a=_refusal("gammainc", "a"), x=lambda g, a, x, xp: g * _gamma_density(xp, a, x))
gammaincc.vjp(a=_refusal("gammaincc", "a"), x=lambda g, a, x, xp: -g * _gamma_density(xp, a, x))


def beta(a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """Return the beta function of positive numbers, elementwise: ``gamma(a) * gamma(b) / gamma(a + b)``.

    Parameters
    ----------
    a, b : ArrayLike
        Real, positive, of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype; NaN or with the wrong sign where an argument is negative.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.beta(2.0, agrad.asarray([1.0, 3.0])))
    Tensor([500.,  83.], dtype=float32, device='cpu')
    """
    return exp(betaln(a, b))


@primitive
def betaln(xp: Namespace, a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """Return the logarithm of the absolute value of the beta function, elementwise.

    Parameters
    ----------
    a, b : ArrayLike
        Real, positive, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``gammaln(a) + gammaln(b) - gammaln(a + b)``, of the broadcast shape and the promoted dtype.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.betaln(agrad.asarray([0.5, 1.0, 10.0]), 2.0))
    Tensor([  288.,  -693., -4700.], dtype=float32, device='cpu')
    """
    return library(xp, "betaln", a, b)


def _betaln_rule(g: Array, xp: Namespace, first: Array, other: Array) -> Array:
    first, other = floats(xp, first, other)
    return g * _digamma_step(xp, first, other)


def _digamma_step(xp: Namespace, x: Array, step: Any) -> Array:
    """Return ``digamma(x) - digamma(x + step)``, accurate also for large `x`, where they are close: NIST 5.11.2."""
    far = (x > _FAR) & (step > 0.0)
    start, step_far = xp.where(far, x, _FAR), xp.where(far, step, 1.0)
    before, behind = 1.0 / start, 1.0 / (start + step_far)
    logarithms = -xp.log1p(step_far * before) - 0.5 * step_far * before * behind
    tails = before * before * horner(_DIGAMMA_TAIL, before * before)
    tails = tails - behind * behind * horner(_DIGAMMA_TAIL, behind * behind)
    return xp.where(far, logarithms - tails, op_for(digamma, xp)(x) - op_for(digamma, xp)(x + step))


betaln.vjp(a=lambda g, a, b, xp: _betaln_rule(g, xp, a, b), b=lambda g, a, b, xp: _betaln_rule(g, xp, b, a))


@primitive
def betainc(xp: Namespace, a: ArrayLike, b: ArrayLike, x: ArrayLike, /) -> Tensor:
    """Return the regularized incomplete beta function, elementwise.

    There is a gradient with respect to `x` only.

    Parameters
    ----------
    a, b : ArrayLike
        Real, positive, of shapes that broadcast.
    x : ArrayLike
        Real, from 0 to 1.

    Returns
    -------
    Tensor
        The integral of ``t**(a - 1) * (1 - t)**(b - 1)`` from 0 to `x`, divided by ``beta(a, b)``: of the broadcast
        shape and the promoted dtype.

    Raises
    ------
    TypeError
        If an argument is complex.
    NotImplementedError
        In the backward pass, if `a` or `b` requires gradients.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.betainc(2.0, 3.0, agrad.asarray([0.0, 0.5, 1.0])))
    Tensor([   0.,  688., 1000.], dtype=float32, device='cpu')
    """
    return library(xp, "betainc", a, b, x)


def _betainc_x(g: Array, a: Array, b: Array, x: Array, xp: Namespace) -> Array:
    a, b, x = floats(xp, a, b, x)
    powers = op_for(xlogy, xp)(a - 1.0, x) + op_for(xlog1py, xp)(b - 1.0, -x)
    return g * xp.exp(powers - op_for(betaln, xp)(a, b))


betainc.vjp(a=_refusal("betainc", "a"), b=_refusal("betainc", "b"), x=_betainc_x)
