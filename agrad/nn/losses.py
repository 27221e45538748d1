"""Losses as modules."""

from __future__ import annotations

from typing import Any

from ..checks import as_integer, check_flags, check_number
from ..core.tensor import Tensor
from .cross_entropy import cross_entropy, nll_loss
from .functional import losses as F
from .functional.ctc import ctc_loss
from .module import Module
from .reductions import as_tensor, check_reduction

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss",
    "L1Loss", "MSELoss", "NLLLoss", "SmoothL1Loss", "TripletMarginLoss",
]  # fmt: skip


class _Loss(Module):
    """The base class of losses: it checks and stores `reduction`."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = check_reduction(reduction)


class MSELoss(_Loss):
    """The squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which returns one loss per element.

    Raises
    ------
    ValueError
        If the reduction is unknown; on call, if input and target differ in shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.MSELoss()(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """The absolute error ``abs(input - target)``, by default its mean; its gradient where they are equal is 0.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        As `MSELoss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.L1Loss()(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return F.l1_loss(input, target, self.reduction)


class _ClassLoss(_Loss):
    """The base class of losses for class indices, with class weights and an ignored index."""

    weight: Tensor | None

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))
        self.ignore_index = as_integer("ignore_index", ignore_index)


class CrossEntropyLoss(_ClassLoss):
    """The cross entropy of logits and target classes, by default its mean over the samples.

    Parameters
    ----------
    weight : Tensor, optional
        A weight for each class, of shape ``(classes,)``; a buffer.
    ignore_index : int
        Samples with this class index are ignored: they do not contribute to the loss or the gradient.
    reduction : str
        As in `MSELoss`.
    label_smoothing : float
        From 0 to 1: the fraction of each target that is spread evenly over all classes.

    Raises
    ------
    ValueError
        If the reduction is unknown; on call, if the shapes do not match.
    TypeError
        On call, if the target has neither an integer nor a floating dtype.
    IndexError
        On call, if a class index is out of range; see `functional.cross_entropy` for CUDA.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> logits = agrad.asarray([[0.0, 0.0], [100.0, 0.0]])
    >>> nn.CrossEntropyLoss(reduction="none")(logits, agrad.asarray([0, 1]))
    Tensor([  0.6931472, 100.       ], dtype=float32, device='cpu')
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        check_number("label_smoothing", label_smoothing, 0, 1)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        The input holds logits, of shape ``(classes,)``, ``(samples, classes)`` or ``(samples, classes, ...)``; the
        target holds class indices, without the class axis, or class probabilities of the input's shape.
        """
        return cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(_ClassLoss):
    """The negative log-likelihood of the target classes, given log-probabilities; by default its mean over the samples.

    Parameters
    ----------
    weight, ignore_index, reduction
        As in `CrossEntropyLoss`.

    Raises
    ------
    ValueError, TypeError, IndexError
        As `CrossEntropyLoss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.NLLLoss()(agrad.asarray([[-1.5, -0.25]]), agrad.asarray([1])).item()
    0.25
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; the input holds log-probabilities, shaped as in `CrossEntropyLoss`."""
        return nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(_Loss):
    """The binary cross entropy of probabilities and targets, by default its mean.

    Parameters
    ----------
    weight : Tensor, optional
        A weight for each element, which broadcasts with the input; a buffer.
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        As `MSELoss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.BCELoss()(agrad.asarray([0.5]), agrad.asarray([1.0])).item()
    0.6931471824645996
    """

    weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of probabilities and a target of the same shape."""
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """The binary cross entropy of the sigmoid of logits and targets, by default its mean.

    Parameters
    ----------
    weight : Tensor, optional
        A weight for each element, which broadcasts with the input; a buffer.
    reduction : str
        As in `MSELoss`.
    pos_weight : Tensor, optional
        A weight for the positive class, which broadcasts with the input; a buffer.

    Raises
    ------
    ValueError
        As `MSELoss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.BCEWithLogitsLoss()(agrad.asarray([0.0, 1000.0]), agrad.asarray([1.0, 1.0])).item()
    0.3465735912322998
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))
        self.register_buffer("pos_weight", None if pos_weight is None else as_tensor(pos_weight))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class SmoothL1Loss(_Loss):
    """The smooth L1 loss: ``d**2 / (2 * beta)`` where the error `d` is below `beta`, ``abs(d) - beta / 2`` elsewhere.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.
    beta : float
        The error at which the loss changes from quadratic to linear.

    Raises
    ------
    ValueError
        As `MSELoss`, and if `beta` is negative.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.SmoothL1Loss("none")(agrad.asarray([0.5, 3.0]), agrad.asarray([0.0, 0.0])).tolist()
    [0.125, 2.5]
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = check_number("beta", beta, 0)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """The Huber loss: ``d**2 / 2`` where the error `d` is below `delta`, ``delta * (abs(d) - delta / 2)`` elsewhere.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.
    delta : float
        The error at which the loss changes from quadratic to linear.

    Raises
    ------
    ValueError
        As `MSELoss`, and if `delta` is not positive.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.HuberLoss("none", delta=2.0)(agrad.asarray([1.0, 3.0]), agrad.asarray([0.0, 0.0])).tolist()
    [0.5, 4.0]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = check_number("delta", delta, above=0)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input and a target of the same shape."""
        return F.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence of log-probabilities from target probabilities, by default its mean.

    Parameters
    ----------
    reduction : str
        ``"batchmean"``, the sum divided by the number of samples, as the divergence is defined; ``"mean"``, over all
        elements; ``"sum"`` or ``"none"``.
    log_target : bool
        Whether the target holds log-probabilities too.

    Raises
    ------
    ValueError
        As `MSELoss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> p = agrad.asarray([[0.5, 0.5]])
    >>> nn.KLDivLoss("batchmean")(agrad.log(p), p).item()
    0.0
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        check_flags(log_target=log_target)
        super().__init__("sum" if reduction == "batchmean" else reduction)
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of log-probabilities and a target of the same shape."""
        return F.kl_div(input, target, self.reduction, self.log_target)


class CTCLoss(_Loss):
    """The connectionist temporal classification (CTC) loss of label sequences that are not aligned with the input.

    Parameters
    ----------
    blank : int
        The class of the blank, which stands for no label.
    reduction : str
        As in `MSELoss`, except that "mean" first divides each loss by its target length.
    zero_infinity : bool
        Whether an infinite loss, of an input too short for its target, is replaced by 0.

    Raises
    ------
    ValueError
        If the reduction is unknown; on call, if the shapes do not match or a length is out of range.
    TypeError, IndexError
        On call, as `functional.ctc_loss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> log_probs = agrad.log(agrad.asarray([[[0.25, 0.75]], [[0.5, 0.5]]]))
    >>> loss = nn.CTCLoss()(log_probs, agrad.asarray([[1]]), agrad.asarray([2]), agrad.asarray([1]))
    >>> round(agrad.exp(-loss).item(), 4)
    0.875
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        check_flags(zero_infinity=zero_infinity)
        super().__init__(reduction)
        self.blank, self.zero_infinity = as_integer("blank", blank, 0), zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        """Return the loss; ``log_probs`` is ``(length, batch, classes)``, see `functional.ctc_loss`."""
        return ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class CosineEmbeddingLoss(_Loss):
    """The cosine embedding loss: small where pairs with target 1 are similar, and pairs with target -1 are not.

    Parameters
    ----------
    margin : float
        From -1 to 1: a pair with target -1 has loss 0 where its cosine is below `margin`.
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        If the reduction is unknown; on call, if the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> x, y = agrad.asarray([[1.0, 0.0]]), agrad.asarray([[0.0, 2.0]])
    >>> nn.CosineEmbeddingLoss()(x, y, agrad.asarray([1])).item()
    1.0
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = check_number("margin", margin)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss; the inputs are ``(samples, features)``, the target holds 1 or -1 for each sample."""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(_Loss):
    """The triplet loss: ``max(0, distance(anchor, positive) - distance(anchor, negative) + margin)``.

    Parameters
    ----------
    margin : float
        The margin, above 0.
    p : float
        The order of the norm that defines the distance; infinity for the maximum norm.
    eps : float
        Added to the differences, so that the distance of equal vectors has a gradient; with 0 that gradient is 0.
    swap : bool
        Whether the distance from positive to negative replaces that from anchor to negative where it is smaller.
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        If the reduction is unknown, or if `margin` is not positive; on call, if the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> near, far = agrad.asarray([[0.0, 0.0]]), agrad.asarray([[3.0, 4.0]])
    >>> round(nn.TripletMarginLoss()(near, far, near).item(), 3)
    6.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ) -> None:
        check_flags(swap=swap)
        super().__init__(reduction)
        check_number("margin", margin, above=0)
        self.margin, self.swap = margin, swap
        self.p, self.eps = p, check_number("eps", eps, 0)
        check_number("p", p, infinite=True)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss; all three are ``(samples, features)``."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )
