"""What the tests of exported models share: a model is exported, run by onnxruntime, and compared with agrad."""

import numpy as np
import pytest

import agrad

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("ndonnx")

__all__ = ["agree", "exported", "run", "tensors"]


def tensors(outputs):
    """Return the Tensors of an output: layers that remember or attend give more than one."""
    if isinstance(outputs, agrad.Tensor):
        return [outputs]
    parts = outputs.values() if isinstance(outputs, dict) else outputs
    return [x for output in parts if output is not None for x in tensors(output)]


def exported(model, inputs, folder, **settings):
    """Export a model, and return the session that runs it."""
    file = folder / "model.onnx"
    agrad.onnx.export(model, inputs, file, **settings)
    return onnxruntime.InferenceSession(file)


def run(session, inputs):
    """Return the outputs for the Tensors among inputs."""
    given = [x.numpy() for x in inputs if isinstance(x, agrad.Tensor)]
    names = [x.name for x in session.get_inputs()]
    return session.run(None, dict(zip(names, given, strict=True)))


@agrad.no_grad()
def agree(model, session, inputs, tolerance=1e-6):
    """Compare what a session gives for inputs with what the model gives in evaluation mode.

    The tolerance is that of each output's largest number, or of 1 where all are smaller.
    """
    model.eval()
    found, expected = run(session, inputs), tensors(model(*inputs))
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        assert (x.shape, x.dtype.name) == (y.shape, y.dtype.name)
        largest = max(1.0, abs(y.numpy()).max(initial=0.0))
        np.testing.assert_allclose(x, y.numpy(), rtol=0, atol=tolerance * largest)
