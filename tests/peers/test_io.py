"""Files that PyTorch users write with safetensors, and theirs that agrad writes."""

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
pytestmark = pytest.mark.peers


def net(library, dtype=None):
    layers = library.nn
    dtype = None if dtype is None else getattr(library, dtype)
    return layers.Sequential(layers.Linear(3, 4, dtype=dtype), layers.Tanh(), layers.Linear(4, 2, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_of_pytorchs_loads_into_the_same_module(tmp_path, dtype):
    theirs, mine = net(torch, dtype), net(agrad, dtype)
    safetensors.save_file(theirs.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert mine.load_state_dict(agrad.load(tmp_path / "model.safetensors")) == ([], [])
    x = np.linspace(-1, 1, 6).reshape(2, 3).astype(dtype)
    assert_close(mine(agrad.asarray(x)).detach(), theirs(torch.tensor(x)).detach().numpy())


class Tied:
    """A module whose output's weight is that of its embedding."""

    def __init__(self):
        super().__init__()
        self.emb, self.out = self.layers.Embedding(3, 2), self.layers.Linear(2, 3, bias=False)
        self.out.weight = self.emb.weight


class TiedOfPyTorch(Tied, torch.nn.Module):  # type: ignore[misc, name-defined]
    layers = torch.nn


class TiedOfAgrad(Tied, nn.Module):
    layers = nn


def test_tied_weights_of_save_model_load_into_the_same_module(tmp_path):
    theirs, mine = TiedOfPyTorch(), TiedOfAgrad()
    safetensors.save_model(theirs, tmp_path / "model.safetensors")
    assert mine.load_state_dict(agrad.load(tmp_path / "model.safetensors")) == ([], [])
    assert mine.out.weight is mine.emb.weight
    assert mine.emb.weight.tolist() == theirs.emb.weight.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pytorch_loads_a_file_of_agrads(device, tmp_path, dtype):
    if dtype == "float64" and not device.backend.supports_float64:
        pytest.skip(f"{device} has no float64")
    theirs, mine = net(torch, dtype), net(agrad, dtype)
    agrad.save(mine.state_dict(), tmp_path / "model.safetensors")
    loaded = safetensors.load_file(tmp_path / "model.safetensors")
    assert not theirs.load_state_dict(loaded).missing_keys
    x = np.linspace(-1, 1, 6).reshape(2, 3).astype(dtype)
    assert_close(mine(agrad.asarray(x)).detach().to("cpu"), theirs(torch.tensor(x)).detach().numpy())
    safetensors.load_model(net(torch, dtype), tmp_path / "model.safetensors")


DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_both_ways(tmp_path, dtype):
    values = torch.tensor([[0, 1, 2], [3, 0, 1]]).to(getattr(torch, dtype))
    safetensors.save_file({"x": values, "y": values[:, :0].contiguous()}, tmp_path / "theirs")
    loaded = agrad.load(tmp_path / "theirs")
    assert (loaded["x"].dtype.name, loaded["x"].tolist()) == (dtype, values.tolist())
    assert loaded["y"].shape == (2, 0)
    agrad.save(loaded, tmp_path / "mine")
    back = safetensors.load_file(tmp_path / "mine")
    assert torch.equal(back["x"], values)
    assert back["y"].shape == (2, 0)


def test_bfloat16_comes_as_float32(tmp_path):
    safetensors.save_file({"x": torch.tensor([1.5, -3.0], dtype=torch.bfloat16)}, tmp_path / "theirs")
    assert agrad.load(tmp_path / "theirs", "cpu")["x"].tolist() == [1.5, -3.0]


def test_a_whole_checkpoint_shows_its_tensors(tmp_path):
    model = nn.Linear(3, 2)
    optimizer = agrad.optim.Adam(model.parameters())
    model(agrad.ones((1, 3))).sum().backward()
    optimizer.step()
    agrad.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, tmp_path / "all")
    names = safetensors.load_file(tmp_path / "all").keys()
    assert {"model.weight", "model.bias", "optimizer.state.0.exp_avg", "optimizer.state.1.exp_avg_sq"} <= names
