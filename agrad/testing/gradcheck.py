"""PyTorch's gradcheck and gradgradcheck: each entry of the Jacobian, compared with its finite difference."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..core.grad_mode import enable_grad
from ..core.gradients import gradients
from ..core.tensor import Tensor
from ..transforms import pytrees
from ..transforms.linearized import Linearized
from .comparison import flat_values, index_of, inner, relative_error, tensor_of

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """The error that `gradcheck` and `gradgradcheck` raise where a derivative is wrong.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import GradcheckError, gradcheck
    >>> x = agrad.tensor([2.0], dtype=agrad.float64, requires_grad=True)
    >>> try:
    ...     gradcheck(lambda x: x * x.detach(), [x])
    ... except GradcheckError:
    ...     print("half of the gradient is missing")
    half of the gradient is missing
    """


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
) -> bool:
    """Compare each entry of the Jacobian with its central difference, in the precision of the inputs.

    Parameters
    ----------
    func : callable
        Returns a Tensor or a pytree of them.
    inputs : Tensor or sequence
        The arguments of `func`. Those that require gradients are checked; they should be in double precision.
    eps : float
        The step of the differences.
    atol, rtol : float
        The absolute and relative tolerance.
    raise_exception : bool
        Whether to raise where a derivative is wrong, instead of returning False.
    nondet_tol : float
        The tolerance between two backward passes of the same outputs.
    check_forward_ad, check_backward_ad : bool
        Whether to check forward mode, `agrad.jvp`, and reverse mode, gradients.

    Returns
    -------
    bool
        True if all entries agree.

    Raises
    ------
    GradcheckError
        If an entry differs; the message shows input, output, indices and both values of the worst one.
    ValueError
        If no input requires gradients.

    Warns
    -----
    UserWarning
        If an input is in single precision, in which differences are unreliable.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import gradcheck
    >>> x = agrad.tensor([0.5, 2.0], dtype=agrad.float64, requires_grad=True)
    >>> gradcheck(lambda x: x**3, [x])
    True
    """
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck needs an input that requires gradients; make one with requires_grad=True")
    for i in checked:
        if args[i].dtype.name not in ("float64", "complex128"):
            warnings.warn(
                f"input {i} is {args[i].dtype.name}: rounding errors exceed a difference over eps={eps}, so this check "
                "is unreliable; use float64 or complex128",
                UserWarning,
                stacklevel=2,
            )
    call = _Call(func, args, checked)
    modes = {"backward": call.backward} if check_backward_ad else {}
    modes |= {"forward": call.forward} if check_forward_ad else {}
    numeric = call.differences(eps) if modes else {}
    for mode, analytic in modes.items():
        found = analytic()
        problem = _worst_entry(call, found, numeric, ("analytic", "numeric"), rtol, atol)
        if not problem:
            changed = _worst_entry(call, analytic(), found, ("the second time", "the first time"), 0.0, nondet_tol)
            problem = changed and f"not deterministic within nondet_tol={nondet_tol}: {changed}"
        if problem and raise_exception:
            raise GradcheckError(f"{getattr(func, '__name__', 'func')} {mode}, {problem}")
        if problem:
            return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
) -> bool:
    """Compare each second derivative with its central difference, in the precision of the inputs.

    It is `gradcheck` of the gradient, as a function of the inputs and of the weights of the outputs.

    Parameters
    ----------
    func, inputs
        As in `gradcheck`.
    grad_outputs : Tensor or sequence of Tensor, optional
        The weights of the outputs; by default values from 0.5 to 1.5.
    eps, atol, rtol, raise_exception, nondet_tol
        As in `gradcheck`.
    check_fwd_over_rev, check_rev_over_rev : bool
        Whether to check `agrad.jvp` of the gradient, and gradients of the gradient.

    Returns
    -------
    bool
        True if all entries agree.

    Raises
    ------
    GradcheckError, ValueError
        As `gradcheck`; messages number the weights after the inputs.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import gradgradcheck
    >>> x = agrad.tensor([0.5, 2.0], dtype=agrad.float64, requires_grad=True)
    >>> gradgradcheck(lambda x: x**3, [x])
    True
    """
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checked = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
    if grad_outputs is None:
        outputs = pytrees.flatten(func(*args))
        weights = [tensor_of([0.5 + (7 * k % 10) / 10 for k in range(out.size)], out) for out in outputs]
    else:
        weights = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    weights = [w.detach().requires_grad_() for w in weights]

    def gradient(*values: Any) -> list[Tensor]:
        xs, ws = values[: len(args)], values[len(args) :]
        pairs = [(y, w) for y, w in zip(pytrees.flatten(func(*xs)), ws, strict=True) if y.requires_grad]
        wanted = [xs[i] for i in checked]
        if not pairs:
            return []
        ys, gs = zip(*pairs, strict=True)
        found = gradients(ys, wanted, gs, create_graph=True, allow_unused=True)
        return [g for g in found if g is not None]

    return gradcheck(
        gradient, [*args, *weights], eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev,
    )  # fmt: skip


# A Jacobian as a dict: the derivatives of each output's elements, by input, position of its entry, and 1 or 1j

_Jacobian: TypeAlias = dict[tuple[int, int, complex], list[list[Any]]]


@dataclass
class _Call:
    """A function and its arguments, with the positions of those that are varied."""

    func: Callable[..., Any]
    args: list[Any]
    varied: list[int]

    def differences(self, eps: float) -> _Jacobian:
        """Return the Jacobian by central differences."""
        return {
            (i, k, unit): [
                [(a - b) / (2 * eps) for a, b in zip(up, down, strict=True)]
                for up, down in zip(self._moved(i, k, eps * unit), self._moved(i, k, -eps * unit), strict=True)
            ]
            for i, k, unit in self._directions()
        }

    def forward(self) -> _Jacobian:
        """Return the Jacobian by `agrad.jvp`."""
        at = self._linearized()
        return {
            (i, k, unit): [flat_values(moved) for moved in at.push(_axis(at.inputs, self.varied.index(i), k, unit))]
            for i, k, unit in self._directions()
        }

    def backward(self) -> _Jacobian:
        """Return the Jacobian by gradients: cotangents of 1 and 1j give its real and imaginary parts."""
        at = self._linearized()
        pulled = [
            [[(unit, at.pull(_axis(at.tensors, o, m, unit))) for unit in _units(y)] for m in range(y.size)]
            for o, y in enumerate(at.tensors)
        ]
        rows = [[[(unit, [flat_values(g) for g in gs]) for unit, gs in row] for row in rows] for rows in pulled]
        return {
            (i, k, unit): [
                [sum(way * inner([gs[self.varied.index(i)][k]], [unit]) for way, gs in row) for row in output]
                for output in rows
            ]
            for i, k, unit in self._directions()
        }

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the outputs."""
        return [y.shape for y in self._linearized().tensors]

    def _linearized(self) -> Linearized:
        with enable_grad():
            return Linearized(self.func, self.args, {}, self.varied)

    def _directions(self) -> Iterator[tuple[int, int, complex]]:
        return ((i, k, unit) for i in self.varied for k in range(self.args[i].size) for unit in _units(self.args[i]))

    def _moved(self, i: int, k: int, step: complex) -> list[list[Any]]:
        """Return the outputs after moving an entry of an input by a step."""
        args = [x.detach().requires_grad_() if j in self.varied else x for j, x in enumerate(self.args)]
        values = flat_values(args[i])
        values[k] += step
        args[i] = tensor_of(values, args[i]).requires_grad_()
        return [flat_values(y) for y in pytrees.flatten(self.func(*args))]


def _units(x: Tensor) -> tuple[complex, ...]:
    return (1.0, 1j) if x.dtype.is_complex else (1.0,)


def _axis(tensors: Sequence[Tensor], i: int, k: int, unit: complex) -> list[Tensor | None]:
    """Return `unit` in entry `k` of the Tensor at `i`, and None for the others."""
    values = [unit if position == k else 0.0 for position in range(tensors[i].size)]
    return [tensor_of(values, x) if j == i else None for j, x in enumerate(tensors)]


def _worst_entry(
    call: _Call, found: _Jacobian, expected: _Jacobian, names: tuple[str, str], rtol: float, atol: float
) -> str:
    """Describe where two Jacobians differ most; an empty string if they are close."""
    shapes = call.shapes()
    errors = {
        (key, o, m): relative_error(a, b, rtol, atol)
        for key in expected
        for o, (xs, ys) in enumerate(zip(found[key], expected[key], strict=True))
        for m, (a, b) in enumerate(zip(xs, ys, strict=True))
    }
    wrong = sum(error > 1 for error in errors.values())
    if not wrong:
        return ""
    (i, k, unit), o, m = max(errors, key=errors.__getitem__)
    part = " (its imaginary part)" if unit == 1j else ""
    a, b = found[i, k, unit][o][m], expected[i, k, unit][o][m]
    return (
        f"the derivative of output {o} at index {index_of(m, shapes[o])} with respect to input {i} at index "
        f"{index_of(k, call.args[i].shape)}{part}: {names[1]} {b!r}, {names[0]} {a!r} "
        f"({wrong} of {len(errors)} entries differ)"
    )
