"""Losses: how far a model's output is from its target, as modules."""

from __future__ import annotations

from typing import Any

from ..checks import as_integer, check_number
from ..core.tensor import Tensor
from . import functional as F
from .module import Module
from .reductions import as_tensor, known_reduction

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss",
    "L1Loss", "MSELoss", "NLLLoss", "SmoothL1Loss", "TripletMarginLoss",
]  # fmt: skip


class _Loss(Module):
    """A loss with a `reduction`: what is done with the elements' losses."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = known_reduction(reduction)


class MSELoss(_Loss):
    """The squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which leaves one loss per element.

    Raises
    ------
    ValueError
        If there is no such reduction; on call, if input and target differ in shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.MSELoss()(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; input and target are of one shape."""
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
        """Return the loss; input and target are of one shape."""
        return F.l1_loss(input, target, self.reduction)


class _ClassLoss(_Loss):
    """A loss of classes, which may count more or less."""

    weight: Tensor | None

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", None if weight is None else as_tensor(weight))
        self.ignore_index = as_integer("ignore_index", ignore_index)


class CrossEntropyLoss(_ClassLoss):
    """The cross entropy between the softmax of scores and the true classes, by default its mean over the samples.

    Parameters
    ----------
    weight : Tensor, optional
        What a sample of each class counts, of shape ``(classes,)``: a buffer.
    ignore_index : int
        Samples of this class index do not count.
    reduction : str
        As in `MSELoss`.
    label_smoothing : float
        From 0 to 1: how much of each target is spread evenly over all classes.

    Raises
    ------
    ValueError
        If there is no such reduction; on call, if the shapes do not fit.
    TypeError
        On call, if the target is neither integer nor floating.
    IndexError
        On call, if a class is out of range; see `functional.cross_entropy` for CUDA.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> scores = agrad.asarray([[0.0, 0.0], [100.0, 0.0]])
    >>> nn.CrossEntropyLoss(reduction="none")(scores, agrad.asarray([0, 1]))
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

        The input is ``(classes,)``, ``(samples, classes)`` or ``(samples, classes, ...)``; the target has class
        indices without the classes' axis, or probabilities of the input's shape.
        """
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(_ClassLoss):
    """The negated log-probabilities of the true classes, by default their mean over the samples.

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
        """Return the loss; the input has log-probabilities, shaped as in `CrossEntropyLoss`."""
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(_Loss):
    """The cross entropy between probabilities and true ones of yes or no, by default its mean.

    Parameters
    ----------
    weight : Tensor, optional
        What each element counts; broadcasts with the input. A buffer.
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
        """Return the loss; the input has probabilities, and both are of one shape."""
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """The cross entropy between the sigmoid of scores and true probabilities of yes or no, by default its mean.

    Parameters
    ----------
    weight : Tensor, optional
        What each element counts; broadcasts with the input. A buffer.
    reduction : str
        As in `MSELoss`.
    pos_weight : Tensor, optional
        What yes counts where no counts 1; broadcasts with the input. A buffer.

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
        """Return the loss; input and target are of one shape."""
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class SmoothL1Loss(_Loss):
    """The squared error over ``2 * beta`` where it is below `beta`, and the absolute error less ``beta / 2`` elsewhere.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.
    beta : float

    Raises
    ------
    ValueError
        As `MSELoss`, and on call, if `beta` is negative.

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
        """Return the loss; input and target are of one shape."""
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Half the squared error where it is below `delta`, and `delta` times the error less ``delta / 2`` elsewhere.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.
    delta : float

    Raises
    ------
    ValueError
        As `MSELoss`, and on call, if `delta` is not positive.

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
        """Return the loss; input and target are of one shape."""
        return F.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence: how far probabilities lie from the true ones, given by their logarithms.

    Parameters
    ----------
    reduction : str
        ``"batchmean"``, the sum over the number of samples, which the mathematics means; ``"mean"``, over the number
        of elements; ``"sum"`` or ``"none"``.
    log_target : bool
        Whether the target has logarithms too.

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
        super().__init__("sum" if reduction == "batchmean" else reduction)
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; the input has log-probabilities, and both are of one shape."""
        return F.kl_div(input, target, self.reduction, self.log_target)


class CTCLoss(_Loss):
    """The loss of labels whose places in a longer sequence are not known: connectionist temporal classification.

    Parameters
    ----------
    blank : int
        The number of the blank, which stands for no label.
    reduction : str
        As in `MSELoss`, but that "mean" first divides each loss by its number of labels.
    zero_infinity : bool
        Whether the loss of labels that cannot be read, because there are too few steps, is 0 instead of infinite.

    Raises
    ------
    ValueError
        If there is no such reduction; on call, if the shapes do not fit or a length is out of range.
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
        super().__init__(reduction)
        self.blank, self.zero_infinity = as_integer("blank", blank, 0), zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        """Return the loss; ``log_probs`` is ``(length, batch, classes)``, see `functional.ctc_loss`."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class CosineEmbeddingLoss(_Loss):
    """How far pairs of vectors are from pointing the same way, or from not doing so, as the target says.

    Parameters
    ----------
    margin : float
        From -1 to 1: below this cosine, pairs that should differ differ enough.
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        If there is no such reduction; on call, if the shapes do not fit.

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
        """Return the loss; the inputs are ``(samples, features)``, the target 1 or -1 for each sample."""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(_Loss):
    """How much closer than by a margin vectors should be to the positive than to the negative ones.

    Parameters
    ----------
    margin : float
        Above 0.
    p : float
        Of the norm that measures distances, infinity for the largest difference.
    eps : float
        Added to differences, so that the norm of equal vectors has a gradient; with 0 it is 0.
    swap : bool
        Whether the distance of positive and negative counts instead, where it is smaller than that of the negative.
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        If there is no such reduction, or if `margin` is not positive; on call, if the shapes do not fit.

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
        super().__init__(reduction)
        check_number("margin", margin, above=0)
        self.margin, self.p, self.eps, self.swap = margin, p, check_number("eps", eps, 0), swap
        check_number("p", p, infinite=True)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss; all three are ``(samples, features)``."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )
