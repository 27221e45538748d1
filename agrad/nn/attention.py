"""The multi-head attention layer."""

from __future__ import annotations

from typing import Any

from ..checks import as_integer, check_flags, check_number, check_tensors
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import empty
from ..ops.manipulation import expand_dims, moveaxis, permute_dims, reshape, squeeze
from ..ops.statistical import mean
from . import init
from .functional import linear_maps as F
from .functional.attention import as_additive_mask, attend, causal_mask, checked_mask
from .linear import Linear
from .module import Module
from .parameter import Parameter
from .reductions import as_tensor

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Multi-head attention: each head attends with its own linear projections of queries, keys and values.

    Parameters
    ----------
    embed_dim : int
        The number of features of a query and of an output.
    num_heads : int
        The number of heads; each has ``embed_dim // num_heads`` features.
    dropout : float
        The dropout probability of the attention weights while training.
    bias : bool
        Whether the projections have a learnable bias.
    kdim, vdim : int, optional
        The numbers of features of a key and of a value; `embed_dim` by default.
    batch_first : bool
        Whether sequences are ``(batch, length, features)`` instead of ``(length, batch, features)``.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    in_proj_weight : Parameter or None
        The projection weights of queries, keys and values, stacked: ``(3 * embed_dim, embed_dim)``. If `kdim` or
        `vdim` differs from `embed_dim`, it is None, and they are in ``q_proj_weight``, ``k_proj_weight`` and
        ``v_proj_weight``.
    in_proj_bias : Parameter or None
        The biases of these projections, of shape ``(3 * embed_dim,)``.
    out_proj : Linear
        The output projection, applied to the concatenated heads.

    Raises
    ------
    ValueError
        If `num_heads` does not divide `embed_dim`; on call, if the shapes do not match.
    TypeError
        On call, if a mask has an integer dtype.

    Notes
    -----
    Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> x = agrad.ones((2, 7, 8))
    >>> outputs, weights = nn.MultiheadAttention(8, num_heads=2, batch_first=True)(x, x, x)
    >>> outputs.shape, weights.shape
    ((2, 7, 8), (2, 7, 7))
    """

    in_proj_weight: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(bias=bias, batch_first=batch_first)
        as_integer("embed_dim", embed_dim, 1)
        if embed_dim % as_integer("num_heads", num_heads, 1):
            raise ValueError(f"num_heads={num_heads} must divide embed_dim={embed_dim}")
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.head_dim = embed_dim // num_heads
        self.dropout, self.batch_first = check_number("dropout", dropout, 0, 1), batch_first
        self.kdim = embed_dim if kdim is None else as_integer("kdim", kdim, 0)
        self.vdim = embed_dim if vdim is None else as_integer("vdim", vdim, 0)
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = Parameter(empty((3 * embed_dim, embed_dim), **place))
        else:
            self.in_proj_weight = None
            self.q_proj_weight = Parameter(empty((embed_dim, embed_dim), **place))
            self.k_proj_weight = Parameter(empty((embed_dim, self.kdim), **place))
            self.v_proj_weight = Parameter(empty((embed_dim, self.vdim), **place))
        self.in_proj_bias = Parameter(empty((3 * embed_dim,), **place)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values of the input projections, and set all biases to 0."""
        for weight in self._weights() if self.in_proj_weight is None else [self.in_proj_weight]:
            init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the attention outputs and weights.

        Parameters
        ----------
        query, key, value : Tensor
            ``(length, batch, features)``; ``(batch, length, features)`` if `batch_first`; ``(length, features)``
            without a batch.
        key_padding_mask : Tensor, optional
            ``(batch, keys)``: True masks a key; a floating mask is added to the scores.
        need_weights : bool
            Whether to return the attention weights; None is returned otherwise.
        attn_mask : Tensor, optional
            ``(queries, keys)`` or ``(batch * num_heads, queries, keys)``: True masks a key for a query; a floating
            mask is added to the scores.
        average_attn_weights : bool
            Whether to average the returned weights over the heads.
        is_causal : bool
            Whether to apply a causal mask: query `i` attends to the keys up to `i` only.

        Returns
        -------
        outputs : Tensor
            Of the query's shape.
        weights : Tensor or None
            ``(batch, queries, keys)``, or ``(batch, heads, queries, keys)`` if not averaged.
        """
        check_tensors(query=query, key=key, value=value)
        if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
            raise ValueError(
                f"query, key and value must all have a batch axis, or none of them; they have shapes {query.shape}, "
                f"{key.shape} and {value.shape}"
            )
        batched = query.ndim == 3
        inputs = [self._rows(x, batched) for x in (query, key, value)]
        if key_padding_mask is not None and not batched:
            key_padding_mask = expand_dims(as_tensor(key_padding_mask, query), axis=0)
        mask = self._mask(inputs[0], inputs[1], key_padding_mask, attn_mask, is_causal)
        q, k, v = (self._heads(x) for x in self._projected(inputs))
        out, weights = attend(q, k, v, mask, self.dropout if self.training else 0.0)
        batch, length = inputs[0].shape[:2]
        out = self.out_proj(reshape(permute_dims(out, (0, 2, 1, 3)), (batch, length, self.embed_dim)))
        out = squeeze(out, axis=0) if not batched else out if self.batch_first else moveaxis(out, 0, 1)
        if not need_weights:
            return out, None
        weights = mean(weights, axis=1) if average_attn_weights else weights
        return out, weights if batched else squeeze(weights, axis=0)

    def _rows(self, x: Tensor, batched: bool) -> Tensor:
        """Return an input as ``(batch, length, features)``."""
        if not batched:
            return expand_dims(x, axis=0)
        return x if self.batch_first else moveaxis(x, 0, 1)

    def _projected(self, inputs: list[Tensor]) -> list[Tensor]:
        biases = [None] * 3 if self.in_proj_bias is None else self._thirds(self.in_proj_bias)
        return [F.linear(*each) for each in zip(inputs, self._weights(), biases, strict=True)]

    def _weights(self) -> list[Any]:
        """Return the weights of queries, keys and values."""
        if self.in_proj_weight is None:
            return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        return self._thirds(self.in_proj_weight)

    def _thirds(self, x: Tensor) -> list[Tensor]:
        n = self.embed_dim
        return [x[i * n : (i + 1) * n] for i in range(3)]

    def _heads(self, x: Tensor) -> Tensor:
        """Return the heads of a projection, ``(batch, heads, length, features of a head)``."""
        return permute_dims(reshape(x, (*x.shape[:2], self.num_heads, self.head_dim)), (0, 2, 1, 3))

    def _mask(self, query: Tensor, key: Tensor, padding: Any, attn: Any, is_causal: bool) -> Tensor | None:
        """Return all masks combined: True where a query attends to a key, or values to add to the scores."""
        masks = [causal_mask(query, key)] if is_causal else []
        batch, queries, keys = query.shape[0], query.shape[1], key.shape[1]
        if padding is not None:
            padding = _checked(padding, "key_padding_mask", query, [(batch, keys)])
            masks.append(reshape(padding, (batch, 1, 1, keys)))
        if attn is not None:
            attn = _checked(attn, "attn_mask", query, [(queries, keys), (batch * self.num_heads, queries, keys)])
            masks.append(reshape(attn, (batch, self.num_heads, queries, keys)) if attn.ndim == 3 else attn)
        if not masks:
            return None
        mixed = any(mask.dtype.name != "bool" for mask in masks)
        first, *others = [as_additive_mask(mask, query) for mask in masks] if mixed else masks
        for mask in others:
            first = first + mask if mixed else first & mask
        return first


def _checked(mask: Any, name: str, beside: Tensor, shapes: list[tuple[int, ...]]) -> Tensor:
    """Check the dtype and shape of a mask; return it with booleans inverted, so that True attends."""
    mask = checked_mask(as_tensor(mask, beside), name)
    if mask.shape not in shapes:
        raise ValueError(f"{name} must have shape {' or '.join(map(str, shapes))}, not {mask.shape}")
    return ~mask if mask.dtype.name == "bool" else mask
