"""Recording: a model is run over arrays without values, which gives its graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ..core.device import Device
from ..core.errors import kind_of
from ..core.grad_mode import no_grad
from ..core.observing import Call, Observer
from ..core.tensor import Tensor, wrap
from ..nn.module import Module
from ..nn.parameter import Parameter
from .inputs import Axis, Inputs, named_leaves, unique
from .weights import as_initializers

__all__ = ["evaluating", "record"]


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


def record(model: Module, inputs: Inputs, lengths: Mapping[Axis, int], device: Device) -> Any:
    """Return a model's graph as an ``onnx.ModelProto``, with these lengths of axes, else those of the inputs."""
    backend: Any = device.backend
    weights = dict((*model.named_parameters(), *model.named_buffers()))
    arguments = {name: _argument(x, name, lengths, device) for name, x in inputs.named.items()}
    stand_ins = {name: _argument(x, name, {}, device) for name, x in weights.items()}
    with device, _naming_layers(model), _Operators():
        output = inputs.called(lambda *args, **kwargs: model.functional_call(stand_ins, *args, **kwargs), arguments)
    names = unique(((name, name) for name in weights), arguments)  # of the weights in the graph
    sources = arguments | {name: stand_ins[own] for name, own in names.items()}
    outputs = _outputs(output, device, sources)
    graph = backend.build(*[{name: x._data for name, x in named.items()} for named in (sources, outputs)])
    return as_initializers(graph, {name: _host(weights[own]) for name, own in names.items()})


def _host(x: Tensor) -> Any:
    return x.device.backend.to_numpy(x._data)


def _argument(x: Tensor, name: str, lengths: Mapping[Axis, int], device: Device) -> Tensor:
    backend: Any = device.backend
    shape = tuple([lengths.get((name, axis), n) for axis, n in enumerate(x.shape)])
    try:
        return wrap(backend.argument(shape, x.dtype.name), device)
    except AttributeError:
        raise TypeError(f"{name} is {x.dtype!r}, which ONNX's operators do not compute with; cast it") from None


def _outputs(output: Any, device: Device, taken: Collection[str]) -> dict[str, Tensor]:
    pairs = output.items() if isinstance(output, Mapping) else [("output", output)]
    found = unique((pair for name, part in pairs for pair in named_leaves(str(name), part)), taken)
    for name, x in found.items():
        if not isinstance(x, Tensor):
            raise TypeError(f"the model returns {type(x).__name__} as {name!r}; a graph's outputs are Tensors")
        if x._device is not device:
            raise TypeError(f"the model's {name!r} does not depend on its inputs, so that there is no graph for it")
    return found


class _Operators(Observer):
    """Takes an operator of ONNX for an op that is one, where its forward would write several."""

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        backend: Any = call.device.backend
        array = backend.operator(call.name, list(call.inputs.values())) if backend.kind == "ndonnx" else None
        if array is None:
            return run()
        call.result = wrap(array, call.device)
        return call.result


@contextmanager
def _naming_layers(model: Module) -> Iterator[None]:
    """Name the layer in an error of one of a model's layers."""
    entered: list[tuple[str, Module]] = []
    with ExitStack() as hooks:
        for name, module in model.named_modules():
            enter = lambda module, args, name=name: entered.append((name, module))
            leave = lambda module, args, output: entered.pop() and None
            hooks.enter_context(module.register_forward_pre_hook(enter))
            hooks.enter_context(module.register_forward_hook(leave))
        try:
            yield
        except Exception as error:
            name, module = entered[-1]
            text = getattr(error, "layer", [str(error)])[-1]
            own = [key for key, x in vars(module).items() if isinstance(x, Tensor) and not _is_registered(module, key)]
            text += f"; write self.register_buffer({own[0]!r}, ...) for that Tensor" if own else ""
            what = f"layer {name}, {repr(module).partition(chr(10))[0]}," if name else type(module).__name__
            raise kind_of(error)(f"{what} cannot be exported to ONNX: {text}") from error


def _is_registered(module: Module, name: str) -> bool:
    return isinstance(vars(module)[name], Parameter) or name in module._buffers
