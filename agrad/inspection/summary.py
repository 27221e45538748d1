"""summary: the layers of a module, with their output shapes, parameters and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..nn.module import Module
from ..nn.notebook import html_table, indented
from .arrays import nbytes
from .text import size, table
from .trial import Shapes, inputs_for, undisturbed

__all__ = ["Layer", "Summary", "summary"]

TITLES: Final = ("layer", "output shape", "parameters", "bytes")


@dataclass(frozen=True)
class Layer:
    """A layer in a summary.

    Attributes
    ----------
    name : str
        The dotted name; empty for the module itself.
    kind : str
        The name of its class.
    output : str
        The shape of its output; nested for several, ``"-"`` if it was not called.
    parameters : int
        The number of its own parameters, without those of submodules.
    bytes : int
        The size of its own parameters and buffers.
    """

    name: str
    kind: str
    output: str
    parameters: int
    bytes: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The result of `summary`; printed, it is a table.

    Attributes
    ----------
    layers : list of Layer
        The module and all submodules, parents first.
    parameters, trainable : int
        The number of parameters, and of those that require gradients; shared ones are counted once.
    bytes : int
        The size of all parameters and buffers.
    """

    layers: list[Layer]
    parameters: int
    trainable: int
    bytes: int

    def __repr__(self) -> str:
        return f"{table(TITLES, self._rows(), left=2)}\ntrainable parameters: {self.trainable:,}"

    def _repr_html_(self) -> str:
        return f"{html_table(TITLES, self._rows(), left=2)}<p>trainable parameters: {self.trainable:,}</p>"

    def _rows(self) -> list[list[str]]:
        rows = [[indented(x.name, x.kind), x.output, f"{x.parameters:,}", size(x.bytes)] for x in self.layers]
        return [*rows, ["total", "", f"{self.parameters:,}", size(self.bytes)]]


def summary(module: Module, input_shape: Shapes, dtype: DTypeLike = None) -> Summary:
    """Return a table of a module's layers: their output shapes, parameters and bytes.

    The module is called with zeros, in evaluation mode and without recording; its state is restored afterwards.

    Parameters
    ----------
    module : Module
        The module.
    input_shape : tuple of int, or list of tuple
        The shape of the input with the batch axis, or a list of the shapes of several inputs.
    dtype : DType, optional
        The dtype of the inputs, such as int for class indices; by default that of the first parameter.

    Returns
    -------
    Summary
        With ``layers``, ``parameters``, ``trainable`` and ``bytes``.

    Raises
    ------
    TypeError
        If `module` is not a Module, or `input_shape` not a shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> agrad.summary(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), (64, 784))
    layer          output shape  parameters    bytes
    ------------------------------------------------
    Sequential     (64, 10)               0      0 B
      (0): Linear  (64, 128)        100,480   402 kB
      (1): ReLU    (64, 128)              0      0 B
      (2): Linear  (64, 10)           1,290  5.16 kB
    ------------------------------------------------
    total                           101,770   407 kB
    trainable parameters: 101,770
    """
    inputs = inputs_for(module, input_shape, dtype)
    shapes: dict[str, str] = {}
    with undisturbed(module), no_grad():
        for name, part in module.named_modules():
            part.register_forward_hook(partial(_note, shapes, name))
        module(*inputs)
    layers = [
        Layer(name, type(part).__name__, shapes.get(name, "-"), *_own_size(part, recurse=False))
        for name, part in module.named_modules()
    ]
    parameters, total = _own_size(module, recurse=True)
    return Summary(layers, parameters, sum(p.size for p in module.parameters() if p.requires_grad), total)


def _note(shapes: dict[str, str], name: str, module: Module, args: Any, output: Any) -> None:
    shapes[name] = _shape(output)


def _shape(output: Any) -> str:
    """Return the shape of an output, or those of the Tensors in it."""
    if isinstance(output, Tensor):
        return str(output.shape)
    if isinstance(output, list | tuple):
        return f"[{', '.join(_shape(part) for part in output)}]"
    if isinstance(output, Mapping):
        return f"{{{', '.join(f'{key}: {_shape(part)}' for key, part in output.items())}}}"
    return type(output).__name__


def _own_size(module: Module, recurse: bool) -> tuple[int, int]:
    """Return the number of parameters, and the bytes of parameters and buffers."""
    parameters = list(module.parameters(recurse))
    return sum(p.size for p in parameters), sum(nbytes(t.data) for t in [*parameters, *module.buffers(recurse)])
