"""Recording: a model is run on arrays without values, which gives its graph."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor, wrap
from ..nn.module import Module
from .inputs import Axis, Inputs, named_leaves, unique
from .layers import Layers
from .weights import as_initializers

__all__ = ["Recording", "evaluating", "record"]


class Recording(NamedTuple):
    """A model's graph, an ``onnx.ModelProto``, and the calls of ops from which it was recorded: see `Layers`."""

    graph: Any
    calls: list[tuple[str, str]]


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Put a model into evaluation mode, without gradients, and restore each module's mode at the end."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        with no_grad():
            model.eval()
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def record(model: Module, inputs: Inputs, lengths: Mapping[Axis, int], device: Device) -> Recording:
    """Run a model on arrays with the shapes of the inputs, but for some lengths of axes, and return its graph."""
    backend: Any = device.backend
    weights = dict((*model.named_parameters(), *model.named_buffers()))
    arguments = {name: _argument(x, name, lengths, device) for name, x in inputs.named.items()}
    stand_ins = {name: _argument(x, name, {}, device) for name, x in weights.items()}
    layers = Layers(model)
    with device, layers.named(), layers:
        output = inputs.called(lambda *args, **kwargs: model.functional_call(stand_ins, *args, **kwargs), arguments)
    names = unique(((name, name) for name in weights), arguments)  # of the weights in the graph
    sources = arguments | {name: stand_ins[own] for name, own in names.items()}
    outputs = _outputs(output, device, sources)
    graph = backend.build(*[{name: x._data for name, x in named.items()} for named in (sources, outputs)])
    graph = as_initializers(graph, {name: _host(weights[own]) for name, own in names.items()})
    return Recording(graph, layers.calls)


def _host(x: Tensor) -> Any:
    return x.device.backend.to_numpy(x._data)


def _argument(x: Tensor, name: str, lengths: Mapping[Axis, int], device: Device) -> Tensor:
    backend: Any = device.backend
    shape = tuple([lengths.get((name, axis), n) for axis, n in enumerate(x.shape)])
    try:
        return wrap(backend.argument(shape, x.dtype.name), device)
    except AttributeError:
        raise TypeError(f"{name} is {x.dtype!r}, which ONNX's operators do not support; cast it") from None


def _outputs(output: Any, device: Device, taken: Collection[str]) -> dict[str, Tensor]:
    pairs = output.items() if isinstance(output, Mapping) else [("output", output)]
    found = unique((pair for name, part in pairs for pair in named_leaves(str(name), part)), taken)
    for name, x in found.items():
        if not isinstance(x, Tensor):
            raise TypeError(f"the model returns {type(x).__name__} as {name!r}; a graph's outputs are Tensors")
        if x._device is not device:
            raise TypeError(f"the model's {name!r} does not depend on its inputs, so it is not in the graph")
    return found
