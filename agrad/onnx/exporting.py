"""`export`: a model's forward is run on arrays that record an ONNX graph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..core.device import Device
from ..io.atomic import replace
from ..nn.module import Module
from ..random import fork_rng
from .inputs import Inputs
from .recording import evaluating, record

__all__ = ["export"]


def export(
    model: Module,
    example_inputs: Any,
    file: str | os.PathLike[str],
    *,
    dynamic_axes: Mapping[Any, Any] | None = None,
) -> None:
    """Write a model in evaluation mode to an ONNX file.

    Parameters
    ----------
    model : Module
        Its mode is restored afterwards.
    example_inputs : Tensor, tuple or dict
        The arguments of the model: one Tensor or array, a tuple of arguments, or a dict of keyword arguments; an
        argument may also be None or a tuple, list or dict of Tensors. Their shapes and dtypes are those of the graph.
    file : str or path
        Usually ends in ``.onnx``. An existing file is replaced once the new one is complete.
    dynamic_axes : dict, optional
        The axes that may have any length when the graph runs, with their names: ``{0: "batch"}`` for all inputs, or by
        the names of inputs, ``{"x": {0: "batch", 1: "time"}}``. Axes of the same name have the same length.

    Raises
    ------
    RuntimeError
        If ndonnx, onnx or onnxruntime is not installed; if the model reads values of an array, as an `if` does.
    TypeError, ValueError
        If `model` is no Module, if `dynamic_axes` names an input or axis that does not exist, if the model does not
        accept the example inputs, or if the number of operators depends on the length of a dynamic axis, as in a loop
        over it.
    NotImplementedError
        If ONNX has no operator for an op. These errors name the layer.

    Notes
    -----
    Inputs have the names of the parameters of ``model.forward``. Outputs are ``"output"``, or ``"output_0"``,
    ``"output_1"`` ... if there are several; those of a dict have its keys. Weights have their names in the state dict.
    Recurrent layers are unrolled over the length of the example. The graph does not check indices.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> agrad.onnx.export(model, agrad.ones((1, 4)), "model.onnx", dynamic_axes={0: "batch"})  # doctest: +SKIP
    >>> import onnxruntime  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession("model.onnx")  # doctest: +SKIP
    >>> session.run(None, {"input": np.ones((3, 4), np.float32)})[0].shape  # doctest: +SKIP
    (3, 2)
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"export takes a Module, not {type(model).__name__}; write a function as the forward method of a Module"
        )
    path = os.fsdecode(file)
    device = Device("ndonnx")
    inputs = Inputs(model, example_inputs)
    free = inputs.dynamic(dynamic_axes)
    with evaluating(model):
        with fork_rng():
            inputs.call(model)  # so that an error of the model itself is raised unchanged
        if free:
            from .sizes import generalized  # imports the package onnx

            example = {name: inputs.named[places[0][0]].shape[places[0][1]] for name, places in free.items()}
            graph = generalized(lambda lengths: record(model, inputs, lengths, device), free, example)
        else:
            graph = record(model, inputs, {}, device).graph
    replace(path, [graph.SerializeToString()])
