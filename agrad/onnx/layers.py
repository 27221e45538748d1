"""The layers of a model while it is recorded: which one runs, for messages, and which ops it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from ..core.errors import ELSEWHERE, kind_of
from ..core.observing import Call, Observer
from ..core.tensor import Tensor, wrap
from ..nn.module import Module
from ..nn.parameter import Parameter

__all__ = ["Layers"]

_OUTSIDE: Final = "ONNX has no operator for it: compute it outside of the model"


class Layers(Observer):
    """Sees each op of a model on the device ``"ndonnx"``, and takes an operator of ONNX for an op that is one.

    Attributes
    ----------
    calls : list of (str, str)
        The name of the layer and that of the op, of each call.
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        self.calls: list[tuple[str, str]] = []
        self._entered: list[tuple[str, Module]] = [("", model)]

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run an op, or write its operator where its forward would write several."""
        self.calls.append((self._entered[-1][0], call.name))
        backend: Any = call.device.backend
        array = backend.operator(call.name, list(call.inputs.values())) if backend.kind == "ndonnx" else None
        if array is None:
            return run()
        call.result = wrap(array, call.device)
        return call.result

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the layer in an error that it raises."""
        with ExitStack() as hooks:
            for name, module in self.model.named_modules():
                enter = lambda module, args, name=name: self._entered.append((name, module))
                leave = lambda module, args, output: self._entered.pop() and None
                hooks.enter_context(module.register_forward_pre_hook(enter))
                hooks.enter_context(module.register_forward_hook(leave))
            try:
                yield
            except Exception as error:
                raise _told(error, *self._entered[-1]) from error


def _told(error: Exception, name: str, module: Module) -> Exception:
    """Return an error of a layer with the layer's name."""
    text = getattr(error, "layer", [str(error)])[-1].replace(ELSEWHERE, _OUTSIDE)
    own = [key for key, x in vars(module).items() if isinstance(x, Tensor) and not _is_registered(module, key)]
    text += f"; write self.register_buffer({own[0]!r}, ...) for that Tensor" if own else ""
    what = f"layer {name}, {repr(module).partition(chr(10))[0]}," if name else type(module).__name__
    return kind_of(error)(f"{what} cannot be exported to ONNX: {text}")


def _is_registered(module: Module, name: str) -> bool:
    return isinstance(vars(module)[name], Parameter) or name in module._buffers
