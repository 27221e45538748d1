"""Transformer encoder and decoder layers, and stacks of them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar, Final

from ..checks import as_integer, check_callable, check_flags, check_one_of
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.activations import relu
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .functional.activations import gelu
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = ["TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer"]

_ACTIVATIONS: Final[dict[str, Callable[..., Tensor]]] = {"relu": relu, "gelu": gelu}


class _Block(Module):
    """The base class of layers: attentions and a feedforward network, each with a layer normalization and dropout."""

    attentions: ClassVar[tuple[str, ...]] = ("self_attn",)

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(batch_first=batch_first, norm_first=norm_first, bias=bias)
        if isinstance(activation, str):
            check_one_of("activation", activation, _ACTIVATIONS)
        else:
            check_callable(f"{type(self).__name__}(activation=)", activation, "or write 'relu' or 'gelu'")
        as_integer("d_model", d_model, 1), as_integer("dim_feedforward", dim_feedforward, 0)
        self.norm_first = norm_first
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        for name in self.attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place))
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        parts = range(1, len(self.attentions) + 2)
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **place))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        # Last, so that the parameters of an activation module come in PyTorch's order.
        self.activation = _ACTIVATIONS[activation] if isinstance(activation, str) else activation

    def _residual(self, x: Tensor, i: int, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply sublayer `i` with its residual connection, dropout and layer normalization."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        return x + dropout(sublayer(norm(x))) if self.norm_first else norm(x + dropout(sublayer(x)))

    def _feedforward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


def _attended(attention: MultiheadAttention, x: Tensor, keys: Tensor, mask: Any, padding: Any, causal: bool) -> Tensor:
    out, _ = attention(x, keys, keys, padding, need_weights=False, attn_mask=mask, is_causal=causal)
    return out


class TransformerEncoderLayer(_Block):
    """A transformer encoder layer: self-attention and a feedforward network, with residual connections.

    Parameters
    ----------
    d_model : int
        The number of features of the input and the output.
    nhead : int
        The number of attention heads.
    dim_feedforward : int
        The number of hidden features of the feedforward network.
    dropout : float
        The dropout probability in training: of the attention weights, after the activation and after each sublayer.
    activation : {"relu", "gelu"} or callable
        The activation of the feedforward network.
    layer_norm_eps : float
        The `eps` of the layer normalizations.
    batch_first : bool
        Whether sequences are ``(batch, length, ...)`` instead of ``(length, batch, ...)``.
    norm_first : bool
        Whether to normalize the input of each sublayer instead of the sum with its output.
    bias : bool
        Whether the linear layers and layer normalizations have a learnable bias.
    device : str or Device, optional
    dtype : DType, optional

    Raises
    ------
    ValueError
        If the activation is unknown, and as `MultiheadAttention`.

    Notes
    -----
    Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)(agrad.ones((2, 7, 8))).shape
    (2, 7, 8)
    """

    self_attn: MultiheadAttention

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return a Tensor of the shape of `src`; the masks are those of `MultiheadAttention`."""
        masks = (src_mask, src_key_padding_mask, is_causal)
        x = self._residual(src, 1, lambda x: _attended(self.self_attn, x, x, *masks))
        return self._residual(x, 2, self._feedforward)


class TransformerDecoderLayer(_Block):
    """A transformer decoder layer: self-attention, attention to the encoder's output, and a feedforward network.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        As in `TransformerEncoderLayer`.

    Raises
    ------
    ValueError
        As `TransformerEncoderLayer`.

    Notes
    -----
    Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> layer = nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(agrad.ones((2, 7, 8)), agrad.ones((2, 5, 8)), tgt_is_causal=True).shape
    (2, 7, 8)
    """

    attentions = ("self_attn", "multihead_attn")
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return a Tensor of the shape of `tgt`.

        Parameters
        ----------
        tgt, memory : Tensor
            The target sequence, and the output of the encoder that it attends to.
        tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal
            The masks of `MultiheadAttention`, for the self-attention (`tgt`) and the attention to `memory`.

        Returns
        -------
        Tensor
            Of the shape of `tgt`.
        """
        within = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        across = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = self._residual(tgt, 1, lambda x: _attended(self.self_attn, x, x, *within))
        x = self._residual(x, 2, lambda x: _attended(self.multihead_attn, x, memory, *across))
        return self._residual(x, 3, self._feedforward)


class _Stack(Module):
    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        if not isinstance(layer, Module):
            raise TypeError(f"{type(self).__name__} takes a layer to copy, not {layer!r}")
        self.num_layers = as_integer("num_layers", num_layers, 0)
        self.layers = ModuleList([deepcopy(layer) for _ in range(num_layers)])
        self.norm = norm

    def _through(self, x: Tensor, *others: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x, *others)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """A stack of encoder layers.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        The layer; the stack holds copies of it, with the same initial values.
    num_layers : int
        The number of layers.
    norm : Module, optional
        Applied to the output of the last layer: usually a `LayerNorm`, if the layers have ``norm_first=True``.

    Raises
    ------
    TypeError
        If the layer is not a `Module`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> nn.TransformerEncoder(layer, num_layers=3)(agrad.ones((2, 7, 8))).shape
    (2, 7, 8)
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return a Tensor of the shape of `src`; all layers get the same masks, see `MultiheadAttention`."""
        return self._through(src, mask, src_key_padding_mask, is_causal)


class TransformerDecoder(_Stack):
    """A stack of decoder layers, which all attend to the same encoder output.

    Parameters
    ----------
    decoder_layer : TransformerDecoderLayer
        The layer; the stack holds copies of it, with the same initial values.
    num_layers, norm
        As in `TransformerEncoder`.

    Raises
    ------
    TypeError
        If the layer is not a `Module`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16), num_layers=2)
    >>> decoder(agrad.ones((7, 2, 8)), agrad.ones((5, 2, 8)), tgt_is_causal=True).shape
    (7, 2, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return a Tensor of the shape of `tgt`; see `TransformerDecoderLayer.forward`."""
        paddings = (tgt_key_padding_mask, memory_key_padding_mask)
        return self._through(tgt, memory, tgt_mask, memory_mask, *paddings, tgt_is_causal, memory_is_causal)
