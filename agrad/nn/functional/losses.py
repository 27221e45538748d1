"""Loss functions; `cross_entropy` and `nll_loss` are in ``nn/cross_entropy.py``."""

from __future__ import annotations

from math import prod
from typing import Any

from ...checks import check_flags, check_number
from ...core.dtypes import get_default_dtype
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ...ops import elementwise
from ...ops.activations import softplus
from ...ops.data_type import astype, promote_half
from ...ops.searching import where
from ...ops.statistical import sum
from ..reductions import as_loss, as_tensor, check_reduction, narrowed, reduced, waits_on_read, widened
from .distances import pairwise_distance

__all__ = [
    "bernoulli_nll", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "huber_loss",
    "kl_div", "l1_loss", "mse_loss", "smooth_l1_loss", "squared_error", "triplet_margin_loss",
]  # fmt: skip


def mse_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of the same shape. As in all losses, integers and booleans are cast to the other's dtype where that is
        floating, and to the default dtype otherwise.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which returns one loss per element.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

    Raises
    ------
    ValueError
        If the shapes differ, or if the reduction is unknown.
    TypeError
        If an input is complex.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.mse_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """
    input, target = _alike(input, target)
    if input.dtype.is_complex or target.dtype.is_complex:
        raise TypeError("mse_loss takes real inputs; for complex ones write (abs(input - target)**2).mean()")
    return squared_error(input, target, check_reduction(reduction))


@primitive
def squared_error(xp: Namespace, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return `mse_loss` of floating inputs of the same shape.

    Parameters
    ----------
    input, target : ArrayLike
        Real floating, of the same shape.
    reduction : str
        As in `mse_loss`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

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


def _squared_error_gradient(g: Array, input: Array, target: Array, reduction: str, xp: Namespace) -> Array:
    difference = input - target
    return difference * (promote_half(xp, g) * (2 / (prod(difference.shape) or 1) if reduction == "mean" else 2))


squared_error.vjp(
    input=_squared_error_gradient,
    target=lambda g, input, target, reduction, xp: -_squared_error_gradient(g, input, target, reduction, xp),
)


def l1_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the absolute error ``abs(input - target)``, by default its mean.

    The gradient where they are equal is 0; the second derivative is 0 everywhere.

    Parameters
    ----------
    input, target : ArrayLike
        Of the same shape.
    reduction : str
        As in `mse_loss`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

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
        Real, of the same shape.
    reduction : str
        As in `mse_loss`.
    beta : float
        The error at which the loss changes from quadratic to linear; with 0, it is `l1_loss`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

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
    input, target = _alike(input, target)
    near, inner, size = _around(widened(input) - widened(target), beta)
    losses = where(near, 0.5 * inner * (inner / beta), size - 0.5 * beta)
    return as_loss(reduced(losses, reduction), input)


def huber_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Return ``d**2 / 2`` where the error `d` is below `delta`, and ``delta * (abs(d) - delta / 2)`` elsewhere.

    The second derivative is 1 below `delta`, and 0 from there on.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of the same shape.
    reduction : str
        As in `mse_loss`.
    delta : float
        The error at which the loss changes from quadratic to linear.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

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
    near, inner, size = _around(widened(input) - widened(target), delta)
    losses = where(near, 0.5 * inner * inner, delta * (size - 0.5 * delta))
    return as_loss(reduced(losses, reduction), input)


def _around(error: Tensor, limit: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return whether errors lie below a limit, those that do and 0 for the others, and the sizes of all.

    The square of an infinite error, though not chosen, would have a gradient: 0 times infinity.
    """
    size = elementwise.abs(error)
    near = size < limit
    return near, where(near, error, 0.0), size


def binary_cross_entropy(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, reduction: str = "mean"
) -> Tensor:
    """Return the binary cross entropy of probabilities and targets, by default its mean.

    Logarithms are clamped to -100, so that the loss of a wrong prediction of 0 or 1 is large but finite.

    Parameters
    ----------
    input, target : ArrayLike
        Probabilities: floating, of the same shape, from 0 to 1.
    weight : ArrayLike, optional
        A weight for each element, which broadcasts with the input.
    reduction : str
        As in `mse_loss`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

    Raises
    ------
    ValueError
        As `mse_loss`, and if an element is not from 0 to 1, except on a GPU, where this check would have to wait.

    See Also
    --------
    binary_cross_entropy_with_logits : Takes logits, and needs no clamping.

    Notes
    -----
    The gradient is PyTorch's, ``(p - target) / max(p * (1 - p), 1e-12)``: large but finite where a prediction of 0 or
    1 is wrong. With logits there is no such case.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.binary_cross_entropy(agrad.asarray([0.5, 0.0]), agrad.asarray([1.0, 1.0]), reduction="none").tolist()
    [0.6931471824645996, 100.0]
    """
    input, target = _alike(input, target)
    _check_probabilities(input=input, target=target)
    losses = bernoulli_nll(widened(input), widened(target))  # 1e-12 is 0 in float16
    return as_loss(_weighted(losses, weight, reduction), input)


@primitive
def bernoulli_nll(xp: Namespace, input: ArrayLike, target: ArrayLike, /) -> Tensor:
    """Return the negative log-likelihood of a Bernoulli distribution, elementwise, with logarithms clamped to -100.

    Parameters
    ----------
    input, target : ArrayLike
        Probabilities, real floating, of the same shape.

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
    log_p, log_q = _clamped_logs(xp, input)
    return (target - 1.0) * log_q - target * log_p


def _clamped_logs(xp: Namespace, p: Any) -> tuple[Any, Any]:
    """Return the logarithms of `p` and of ``1 - p``, clamped to -100."""
    is_0, is_1 = p == 0, p == 1
    log_p = xp.where(is_0, -100.0, xp.maximum(xp.log(xp.where(is_0, 1.0, p)), -100.0))
    log_q = xp.where(is_1, -100.0, xp.maximum(xp.log1p(-xp.where(is_1, 0.0, p)), -100.0))
    return log_p, log_q


def _bernoulli_nll_input(g: Array, input: Array, target: Array, xp: Namespace) -> Array:
    return g * ((input - target) / xp.maximum(input * (1.0 - input), 1e-12))


def _bernoulli_nll_target(g: Array, input: Array, xp: Namespace) -> Array:
    log_p, log_q = _clamped_logs(xp, input)
    return g * (log_q - log_p)


bernoulli_nll.vjp(input=_bernoulli_nll_input, target=_bernoulli_nll_target)


def _check_probabilities(**named: Tensor) -> None:
    for name, x in named.items():
        if waits_on_read(x.device) or not x.size:
            continue
        backend = x._device.backend
        if not backend.within(x._data, 0, 1):
            least, largest = (float(end) for end in backend.bounds(x._data))
            wrong = least if least < 0 else largest
            raise ValueError(
                f"{name} must hold probabilities from 0 to 1, not {wrong}; "
                "write binary_cross_entropy_with_logits for logits"
            )


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Tensor:
    """Return the binary cross entropy of the sigmoid of logits and targets, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        Logits, floating.
    target : ArrayLike
        Probabilities of the positive class, of the same shape, from 0 to 1.
    weight : ArrayLike, optional
        A weight for each element, which broadcasts with the input.
    reduction : str
        As in `mse_loss`.
    pos_weight : ArrayLike, optional
        A weight for the positive class, which broadcasts with the input.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the inputs' shape.

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
    positive, negative = target, 1 - target
    if pos_weight is not None:
        positive = positive * as_tensor(pos_weight, input)
    return _weighted(positive * softplus(-input) + negative * softplus(input), weight, reduction)


def kl_div(input: ArrayLike, target: ArrayLike, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Return the Kullback-Leibler divergence of log-probabilities from target probabilities, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        Log-probabilities.
    target : ArrayLike
        Probabilities, or with `log_target` log-probabilities, of the same shape.
    reduction : str
        ``"batchmean"``, the sum over the length of the first axis; otherwise as in `mse_loss`.
    log_target : bool
        Whether the target holds log-probabilities too.

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
    check_flags(log_target=log_target)
    input, target = _alike(input, target)
    if log_target:
        losses = elementwise.exp(target) * (target - input)
    else:
        nonzero = target != 0
        losses = where(nonzero, target * elementwise.log(where(nonzero, target, 1.0)), 0.0) - target * input
    if reduction == "batchmean":
        return as_loss(sum(widened(losses)) / (losses.shape[0] if losses.ndim else 1), losses)
    return reduced(losses, reduction)


def cosine_embedding_loss(
    input1: ArrayLike, input2: ArrayLike, target: ArrayLike, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return ``1 - cosine`` of pairs with target 1, ``max(0, cosine - margin)`` of those with -1, by default the mean.

    Parameters
    ----------
    input1, input2 : ArrayLike
        Floating, of shape ``(samples, features)`` or ``(features,)``.
    target : ArrayLike
        1 for pairs that should be similar, -1 for others; of shape ``(samples,)`` or ``()``.
    margin : float
        A pair with target -1 has loss 0 where its cosine is below `margin`.
    reduction : str
        As in `mse_loss`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the target's shape.

    Raises
    ------
    ValueError
        If the shapes do not match, or if the reduction is unknown.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> x, y = agrad.asarray([[1.0, 0.0]]), agrad.asarray([[0.0, 2.0]])
    >>> F.cosine_embedding_loss(x, y, agrad.asarray([1])).item()
    1.0
    """
    check_number("margin", margin)
    input1, input2 = _alike(input1, input2)
    target = as_tensor(target, input1)
    if input1.ndim not in (1, 2) or target.shape != input1.shape[:-1]:
        raise ValueError(
            "target must have shape (samples,) and the inputs (samples, features); "
            f"they have {target.shape} and {input1.shape}"
        )
    cosine = narrowed(_cosine(widened(input1), widened(input2)), input1)
    dissimilar = where(target == -1, _above(cosine, margin), 0.0)
    return reduced(where(target == 1, 1 - cosine, dissimilar), reduction)


def _cosine(x: Tensor, y: Tensor) -> Tensor:
    """Return the cosine similarity along the last axis; 0 for a vector of zeros."""
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
        Floating, of the same shape, ``(..., features)``.
    margin : float
        The margin, above 0.
    p : float
        The order of the norm that defines the distance; infinity for the maximum norm.
    eps : float
        Added to the differences, so that the distance of equal vectors has a gradient; with 0 that gradient is 0.
    swap : bool
        Whether the distance from positive to negative replaces that from anchor to negative where it is smaller.
    reduction : str
        As in `mse_loss`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of shape ``(...)``, one loss per sample.

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
    check_flags(swap=swap)
    check_number("eps", eps, 0)
    check_number("margin", margin, above=0)
    anchor, positive = _alike(anchor, positive)
    _, negative = _alike(anchor, negative)
    from_negative = pairwise_distance(anchor, negative, p, eps)
    if swap:
        from_negative = elementwise.minimum(from_negative, pairwise_distance(positive, negative, p, eps))
    return reduced(_above(pairwise_distance(anchor, positive, p, eps), from_negative - margin), reduction)


def _above(x: Tensor, bound: Any) -> Tensor:
    """Return ``max(0, x - bound)``; as in PyTorch, the gradient at the bound is 1."""
    return elementwise.clip(x - bound, min=0.0)


def _alike(input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Return both as floating Tensors; ValueError if their shapes differ."""
    input = as_tensor(input)
    target = as_tensor(target, input)
    _check_same_shape(input.shape, target.shape)
    return _floating(input, target), _floating(target, input)


def _floating(x: Tensor, beside: Tensor) -> Tensor:
    """Return integers and booleans cast to the other's dtype where that is floating, or to the default dtype."""
    if x.dtype.differentiable:
        return x
    return astype(x, beside.dtype if beside.dtype.differentiable else get_default_dtype())


def _weighted(losses: Tensor, weight: Any, reduction: str) -> Tensor:
    return reduced(losses if weight is None else losses * as_tensor(weight, losses), reduction)


def _check_same_shape(input: tuple[int, ...], target: tuple[int, ...]) -> None:
    if input != target:
        advice = f"target.reshape({input})" if prod(input) == prod(target) else "a target of the input's shape"
        raise ValueError(f"input has shape {input} and target {target}; a loss never broadcasts: write {advice}")
