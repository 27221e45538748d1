"""Losses: how far a model's output is from its target."""

from __future__ import annotations

from math import prod
from typing import Any

from ...checks import check_number
from ...core.dtypes import get_default_dtype
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...linalg.norms import vector_norm
from ...ops import elementwise
from ...ops.activations import softplus
from ...ops.data_type import astype, wide
from ...ops.searching import where
from ...ops.statistical import sum
from ..reductions import as_tensor, known_reduction, narrowed, reduced, waits, widened

__all__ = [
    "bernoulli_nll", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "huber_loss",
    "kl_div", "l1_loss", "mse_loss", "smooth_l1_loss", "squared_error", "triplet_margin_loss",
]  # fmt: skip


def mse_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of one shape. As in all losses, integers and booleans are cast to the other's dtype where that is
        floating, and to the default dtype otherwise.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which leaves one loss per element.

    Returns
    -------
    Tensor
        0-d, or of the inputs' shape.

    Raises
    ------
    ValueError
        If the shapes differ, or there is no such reduction.
    TypeError
        If the numbers are complex.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.mse_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """
    input, target = _alike(input, target)
    if input.dtype.is_complex or target.dtype.is_complex:
        raise TypeError("mse_loss takes real numbers; write (abs(input - target)**2).mean()")
    return squared_error(input, target, known_reduction(reduction))


@primitive
def squared_error(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return `mse_loss` of floating numbers of one shape.

    Parameters
    ----------
    input, target : ArrayLike
        Real floating, of one shape.
    reduction : str
        As in `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the inputs' shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.functional.losses import squared_error
    >>> squared_error(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0]), "none").tolist()
    [0.0, 4.0]
    """
    difference = input - target
    squares = difference * difference
    if reduction == "none":
        return squares
    return xp.mean(squares) if reduction == "mean" else xp.sum(squares)


def _squared_error_slope(g: Any, input: Any, target: Any, reduction: str, xp: Any) -> Any:
    difference = input - target
    return difference * (wide(xp, g) * (2 / (prod(difference.shape) or 1) if reduction == "mean" else 2))


squared_error.vjp(
    input=_squared_error_slope,
    target=lambda g, input, target, reduction, xp: -_squared_error_slope(g, input, target, reduction, xp),
)


def l1_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the absolute error ``abs(input - target)``, by default its mean.

    Where they are equal, the gradient is 0; the second derivative is 0 everywhere.

    Parameters
    ----------
    input, target : ArrayLike
        Of one shape.
    reduction : str
        As in `mse_loss`.

    Raises
    ------
    ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.l1_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0]), "none").tolist()
    [0.0, 2.0]
    """
    input, target = _alike(input, target)
    return reduced(elementwise.abs(input - target), reduction)


def smooth_l1_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Return ``d**2 / (2 * beta)`` where the error `d` is below `beta`, and ``abs(d) - beta / 2`` elsewhere.

    The second derivative is ``1 / beta`` below `beta`, and 0 from there on.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of one shape.
    reduction : str
        As in `mse_loss`.
    beta : float
        With 0, it is `l1_loss`.

    Raises
    ------
    ValueError
        As `mse_loss`, and if `beta` is negative.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.smooth_l1_loss(agrad.asarray([0.5, 3.0]), agrad.asarray([0.0, 0.0]), "none").tolist()
    [0.125, 2.5]
    """
    if check_number("beta", beta, 0) == 0:
        return l1_loss(input, target, reduction)
    return huber_loss(input, target, reduction, beta) / beta


def huber_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Return ``d**2 / 2`` where the error `d` is below `delta`, and ``delta * (abs(d) - delta / 2)`` elsewhere.

    The second derivative is 1 below `delta`, and 0 from there on.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of one shape.
    reduction : str
        As in `mse_loss`.
    delta : float

    Raises
    ------
    ValueError
        As `mse_loss`, and if `delta` is not positive.

    Notes
    -----
    Source: P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.huber_loss(agrad.asarray([1.0, 3.0]), agrad.asarray([0.0, 0.0]), "none", delta=2.0).tolist()
    [0.5, 4.0]
    """
    check_number("delta", delta, above=0)
    input, target = _alike(input, target)
    error = input - target
    size = elementwise.abs(error)
    return reduced(where(size < delta, 0.5 * error * error, delta * (size - 0.5 * delta)), reduction)


def binary_cross_entropy(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, reduction: str = "mean"
) -> Tensor:
    """Return the cross entropy of probabilities and true ones of yes or no, by default its mean.

    Its logarithms are -100 at least, so that a certainty that is wrong costs much, and not infinitely much.

    Parameters
    ----------
    input, target : ArrayLike
        Floating, of one shape, from 0 to 1.
    weight : ArrayLike, optional
        What each element counts; broadcasts with the input.
    reduction : str
        As in `mse_loss`.

    Raises
    ------
    ValueError
        As `mse_loss`, and if a number is no probability. On a GPU, where looking would mean to wait for it, nobody
        looks.

    Notes
    -----
    The gradient is PyTorch's, ``(p - target) / max(p * (1 - p), 1e-12)``: that of a prediction which is certain and
    wrong is large, 1e12, and not infinite. With scores there is no such case.

    See Also
    --------
    binary_cross_entropy_with_logits : takes scores, and is exact for all of them

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.binary_cross_entropy(agrad.asarray([0.5, 0.0]), agrad.asarray([1.0, 1.0]), reduction="none").tolist()
    [0.6931471824645996, 100.0]
    """
    input, target = _alike(input, target)
    _check_probabilities(input=input, target=target)
    return _weighed(bernoulli_nll(input, target), weight, reduction)


@primitive
def bernoulli_nll(xp: Any, input: ArrayLike, target: ArrayLike, /) -> Tensor:
    """Return the negated log-likelihood of yes or no, elementwise, with logarithms of -100 at least.

    Parameters
    ----------
    input, target : ArrayLike
        Probabilities, real floating, of one shape.

    Returns
    -------
    Tensor
        Of the same shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.functional.losses import bernoulli_nll
    >>> bernoulli_nll(agrad.asarray([0.0, 0.0]), agrad.asarray([0.0, 1.0])).tolist()
    [0.0, 100.0]
    """
    yes, no = _bounded_logs(xp, input)
    return (target - 1.0) * no - target * yes


def _bounded_logs(xp: Any, p: Any) -> tuple[Any, Any]:
    """Return the logarithms of probabilities and of what they lack to 1, -100 at least."""
    no, yes = p == 0, p == 1
    log_yes = xp.where(no, -100.0, xp.maximum(xp.log(xp.where(no, 1.0, p)), -100.0))
    log_no = xp.where(yes, -100.0, xp.maximum(xp.log1p(-xp.where(yes, 0.0, p)), -100.0))
    return log_yes, log_no


def _bernoulli_nll_input(g: Any, input: Any, target: Any, xp: Any) -> Any:
    return g * ((input - target) / xp.maximum(input * (1.0 - input), 1e-12))


def _bernoulli_nll_target(g: Any, input: Any, xp: Any) -> Any:
    yes, no = _bounded_logs(xp, input)
    return g * (no - yes)


bernoulli_nll.vjp(input=_bernoulli_nll_input, target=_bernoulli_nll_target)


def _check_probabilities(**named: Tensor) -> None:
    for name, x in named.items():
        if waits(x.device) or not x.size:
            continue
        least, largest = (float(end) for end in x._device.backend.bounds(x._data))
        if least < 0 or largest > 1:
            wrong = least if least < 0 else largest
            raise ValueError(
                f"{name} must hold probabilities from 0 to 1, not {wrong}; "
                "write binary_cross_entropy_with_logits for scores"
            )


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Tensor:
    """Return the cross entropy of the sigmoid of scores and true probabilities of yes or no, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        Scores, floating.
    target : ArrayLike
        Of the same shape, from 0 to 1.
    weight : ArrayLike, optional
        What each element counts; broadcasts with the input.
    reduction : str
        As in `mse_loss`.
    pos_weight : ArrayLike, optional
        What yes counts where no counts 1; broadcasts with the input.

    Raises
    ------
    ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.binary_cross_entropy_with_logits(agrad.asarray([0.0, 1000.0]), agrad.asarray([1.0, 1.0]), reduction="none")
    Tensor([0.6931472, 0.       ], dtype=float32, device='cpu')
    """
    input, target = _alike(input, target)
    yes, no = target, 1 - target
    if pos_weight is not None:
        yes = yes * as_tensor(pos_weight, input)
    return _weighed(yes * softplus(-input) + no * softplus(input), weight, reduction)


def kl_div(input: ArrayLike, target: ArrayLike, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Return the Kullback-Leibler divergence of log-probabilities from true probabilities.

    Parameters
    ----------
    input : ArrayLike
        Logarithms of probabilities.
    target : ArrayLike
        Probabilities, or with `log_target` their logarithms, of the same shape.
    reduction : str
        ``"batchmean"``, the sum over the length of the first axis; otherwise as in `mse_loss`.
    log_target : bool

    Returns
    -------
    Tensor
        ``target * (log(target) - input)``, reduced; 0 where the target is 0, and NaN where it is negative.

    Raises
    ------
    ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.kl_div(agrad.asarray([-1.0, -2.0]), agrad.asarray([1.0, 0.0]), "none").tolist()
    [1.0, 0.0]
    """
    input, target = _alike(input, target)
    if log_target:
        losses = elementwise.exp(target) * (target - input)
    else:
        weighs = target != 0
        losses = where(weighs, target * elementwise.log(where(weighs, target, 1.0)), 0.0) - target * input
    if reduction == "batchmean":
        return sum(losses) / (losses.shape[0] if losses.ndim else 1)
    return reduced(losses, reduction)


def cosine_embedding_loss(
    input1: ArrayLike, input2: ArrayLike, target: ArrayLike, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return ``1 - cosine`` of pairs that should point the same way, and ``max(0, cosine - margin)`` of the others.

    Parameters
    ----------
    input1, input2 : ArrayLike
        Floating, of shape ``(samples, features)`` or ``(features,)``.
    target : ArrayLike
        1 for the same way, -1 for others, of shape ``(samples,)`` or ``()``.
    margin : float
    reduction : str
        As in `mse_loss`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no such reduction.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> x, y = agrad.asarray([[1.0, 0.0]]), agrad.asarray([[0.0, 2.0]])
    >>> F.cosine_embedding_loss(x, y, agrad.asarray([1])).item()
    1.0
    """
    input1, input2 = _alike(input1, input2)
    target = as_tensor(target, input1)
    if input1.ndim not in (1, 2) or target.shape != input1.shape[:-1]:
        raise ValueError(
            f"target must be (samples,) and the inputs (samples, features); they have {target.shape}, {input1.shape}"
        )
    cosine = narrowed(_cosine(widened(input1), widened(input2)), input1)
    apart = where(target == -1, _beyond(cosine, margin), 0.0)
    return reduced(where(target == 1, 1 - cosine, apart), reduction)


def _cosine(x: Tensor, y: Tensor) -> Tensor:
    """Return the cosines of the angles between vectors along the last axis; of zeros it is 0."""
    tiny = 1e-12
    length_x, length_y = (elementwise.sqrt(sum(z * z, axis=-1) + tiny) for z in (x, y))
    return sum(x * y, axis=-1) / length_x / length_y


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return ``max(0, distance(anchor, positive) - distance(anchor, negative) + margin)``, by default its mean.

    Parameters
    ----------
    anchor, positive, negative : ArrayLike
        Floating, of one shape, ``(..., features)``.
    margin : float
        Above 0.
    p : float
        Of the norm that measures distances, infinity for the largest difference.
    eps : float
        Added to differences, so that the norm of equal vectors has a gradient; with 0 it is 0.
    swap : bool
        Whether the distance of positive and negative counts instead, where it is smaller than that of the negative.
    reduction : str
        As in `mse_loss`.

    Raises
    ------
    ValueError
        As `mse_loss`, and if `margin` is not positive.

    Notes
    -----
    Source: V. Balntas et al., "Learning local feature descriptors with triplets", BMVC 2016.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> near, far = agrad.asarray([[0.0, 0.0]]), agrad.asarray([[3.0, 4.0]])
    >>> round(F.triplet_margin_loss(near, far, near).item(), 3)
    6.0
    """
    check_number("margin", margin, above=0)
    anchor, positive = _alike(anchor, positive)
    _, negative = _alike(anchor, negative)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return vector_norm(x - y + eps, axis=-1, ord=p)

    from_negative = distance(anchor, negative)
    if swap:
        from_negative = elementwise.minimum(from_negative, distance(positive, negative))
    return reduced(_beyond(distance(anchor, positive), from_negative - margin), reduction)


def _beyond(x: Tensor, bound: Any) -> Tensor:
    """Return how far numbers lie above a bound, or 0; as in PyTorch, there is still a gradient at the bound."""
    return elementwise.clip(x - bound, min=0.0)


def _alike(input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Return both as floating Tensors; ValueError if their shapes differ."""
    input = as_tensor(input)
    target = as_tensor(target, input)
    _check_same_shape(input.shape, target.shape)
    return _floating(input, target), _floating(target, input)


def _floating(x: Tensor, beside: Tensor) -> Tensor:
    """Return integers and booleans as floating numbers: of the other's dtype, or of the default one."""
    if x.dtype.differentiable:
        return x
    return astype(x, beside.dtype if beside.dtype.differentiable else get_default_dtype())


def _weighed(losses: Tensor, weight: Any, reduction: str) -> Tensor:
    return reduced(losses if weight is None else losses * as_tensor(weight, losses), reduction)


def _check_same_shape(input: tuple[int, ...], target: tuple[int, ...]) -> None:
    if input != target:
        mend = f"target.reshape({input})" if prod(input) == prod(target) else "a target of the input's shape"
        raise ValueError(f"input has shape {input} and target {target}; a loss never broadcasts: write {mend}")
