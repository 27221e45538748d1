"""PyTorch's backend: whose tensors agrad takes, and how."""

import copy
import pickle

import numpy as np
import pytest

import agrad

torch = pytest.importorskip("torch")


def test_a_torch_tensor_keeps_its_type_and_device():
    t = torch.ones(3)
    x = agrad.asarray(t)
    assert x.device.name == "torch"
    assert x.data is t
    assert (x * 2).data.tolist() == [2.0, 2.0, 2.0]
    assert not (x * 2).data.requires_grad


def test_pytorchs_own_gradients_are_not_lost_unnoticed():
    t = torch.ones(3, requires_grad=True)
    for take in (agrad.asarray, agrad.Tensor):
        with pytest.raises(RuntimeError, match=r"tensor\.detach\(\)"):
            take(t)
    assert agrad.asarray(t.detach()).tolist() == [1.0, 1.0, 1.0]


def test_a_parameter_without_gradients_becomes_a_plain_tensor():
    x = agrad.asarray(torch.nn.Parameter(torch.ones(2), requires_grad=False))
    assert type(x.data) is torch.Tensor


def test_recorded_ops_leave_pytorchs_autograd_alone():
    x = agrad.tensor([1.0, 2.0], device="torch", requires_grad=True)
    y = (x * x).sum()
    assert y.data.grad_fn is None
    y.backward()
    assert type(x.grad.data) is torch.Tensor
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("place", ["cuda", "xpu", "mps"])
def test_an_accelerator_that_is_missing_is_named(place):
    if f"torch:{place}:0" in agrad.devices():
        pytest.skip("this machine has one")
    before = agrad.get_device()
    with pytest.raises(RuntimeError, match=rf"'torch:{place}' needs .*pytorch\.org"):
        agrad.set_device(f"torch:{place}")
    assert agrad.get_device() is before


@pytest.mark.parametrize("place", ["gpu", "cuda:x", "cpu:3"])
def test_an_unknown_accelerator_lists_the_known_ones(place):
    with pytest.raises(ValueError, match=rf"unknown device 'torch:{place}'.*'torch:cuda'"):
        agrad.Device(f"torch:{place}")


def test_names_of_one_device_are_one():
    assert agrad.Device("torch:cpu") is agrad.Device("torch") is agrad.Device("torch:cpu:0")


def test_an_index_out_of_range_is_named(monkeypatch):
    from agrad.backends import torch as module

    monkeypatch.setitem(module._ACCELERATORS, "cuda", (lambda: True, lambda: 2, "CUDA"))
    assert module.BACKEND.find_device("cuda") == ("cuda:0", torch.device("cuda", 0))
    assert module.BACKEND.device_names()[:3] == ["", "cuda:0", "cuda:1"]
    with pytest.raises(RuntimeError, match=r"no device 'torch:cuda:2'.*0 to 1"):
        module.BACKEND.find_device("cuda:2")


def test_bfloat16_reaches_the_host_as_float32():
    x = agrad.asarray(torch.asarray([1.5, 2.0], dtype=torch.bfloat16))
    assert x.dtype == agrad.bfloat16
    assert x.numpy().dtype == np.float32
    assert x.tolist() == [1.5, 2.0]
    assert "bfloat16" in repr(x)
    y = agrad.rand(5, dtype=agrad.bfloat16, device="torch")
    assert y.dtype == agrad.bfloat16
    assert agrad.max(y).item() < 1


def test_only_the_cpu_is_not_waited_for():
    backend = agrad.Device("torch").backend
    assert not backend.waits_on_read(torch.device("cpu"))
    assert backend.waits_on_read(torch.device("cuda", 0))
    assert backend.waits_on_read(torch.device("mps"))


def test_other_errors_of_take_are_unchanged(monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("something else")

    monkeypatch.setattr("agrad.backends.torch.compat.take", broken)
    with pytest.raises(RuntimeError, match="something else"):
        agrad.take(agrad.ones(3, device="torch"), agrad.asarray([0], device="torch"))


@pytest.mark.parametrize("target", ["cpu", "strict"])
def test_bfloat16_does_not_silently_become_float32(target):
    x = agrad.tensor([1.5, 2.0], dtype=agrad.bfloat16, device="torch", requires_grad=True)
    for move in (x.to, lambda device: agrad.asarray(x.data, device=device), lambda d: agrad.tensor(x, device=d)):
        with pytest.raises(TypeError, match=r"no dtype bfloat16.*astype"):
            move(target)
    y = x.astype(agrad.float32).to(target)
    assert y.dtype is agrad.float32
    y.sum().backward()
    assert x.grad.dtype is agrad.bfloat16
    assert agrad.tensor(x, dtype=agrad.float32, device=target).tolist() == [1.5, 2.0]


def test_bfloat16_is_kept_by_libraries_that_have_it():
    x = agrad.tensor([1.5, 2.0], dtype=agrad.bfloat16, device="torch", requires_grad=True)
    assert pickle.loads(pickle.dumps(x)).dtype is copy.deepcopy(x).dtype is agrad.bfloat16
    pytest.importorskip("jax")
    there = x.to("jax")
    assert there.dtype is there.to("torch").dtype is agrad.bfloat16
    assert there.tolist() == [1.5, 2.0]
    there.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_lazily_conjugated_tensors_reach_the_host():
    assert agrad.asarray(torch.asarray([1 + 2j]).conj()).tolist() == [1 - 2j]
    assert agrad.asarray(torch.asarray([1 + 2j]).conj().imag).tolist() == [-2.0]


def test_the_same_seed_as_pytorchs_gives_pytorchs_numbers():
    before = agrad.random.get_state()
    agrad.manual_seed(3)
    torch.manual_seed(3)
    assert agrad.randn(4, device="torch").tolist() == torch.randn(4).tolist()
    agrad.random.set_state(before)
