"""Choosing devices: by name, for the process, for a block of code, by the environment."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import agrad


def test_there_is_one_object_per_device(device):
    assert agrad.Device(device.name) is device
    assert agrad.Device(device) is device
    assert str(device) == device.name
    assert repr(device) == f"agrad.Device({device.name!r})"
    assert device == agrad.Device(device.name)
    assert {device: 1}[agrad.Device(device.name)] == 1
    assert device.name.startswith(device.kind)


def test_devices_survive_copy_and_pickle(device):
    assert copy.deepcopy(device) is device
    assert pickle.loads(pickle.dumps(device)) is device


def test_a_device_is_a_context_manager():
    before = agrad.get_device()
    with agrad.Device("strict") as strict:
        assert agrad.get_device() is strict
        assert agrad.zeros(2).device is strict
        with agrad.Device("cpu"):
            assert agrad.asarray([1.0]).device is agrad.Device("cpu")
        assert agrad.get_device() is strict
    assert agrad.get_device() is before


def test_leaving_by_an_error_restores_the_device():
    before = agrad.get_device()
    with pytest.raises(KeyError), agrad.Device("strict"):
        raise KeyError
    assert agrad.get_device() is before


@pytest.fixture
def process_wide():
    before = agrad.get_device()
    yield agrad.set_device
    agrad.set_device(before)


def test_set_device_is_process_wide(process_wide):
    process_wide("strict")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(agrad.zeros(2).device.name))
    thread.start()
    thread.join()
    assert seen == ["strict"]
    assert agrad.asarray(np.ones(2)).device.name == "strict"
    with agrad.Device("cpu"):
        assert agrad.zeros(2).device.name == "cpu"
    process_wide(agrad.Device("cpu"))
    assert agrad.zeros(2).device.name == "cpu"


def test_a_with_block_counts_for_its_own_thread_only():
    seen = []
    with agrad.Device("strict"):
        thread = threading.Thread(target=lambda: seen.append(agrad.zeros(2).device.name))
        thread.start()
        thread.join()
    assert seen == ["cpu"]


@pytest.mark.parametrize("name", ["gpu", "CPU", "", "numpy", "cudа", " cpu"])
def test_an_unknown_device_lists_the_known_ones(process_wide, name):
    before = agrad.get_device()
    with pytest.raises(ValueError, match=r"unknown device.*'cpu', 'cuda'"):
        process_wide(name)
    assert agrad.get_device() is before


@pytest.mark.parametrize("name", ["cpu:1", "strict:device9", "cuda:x"])
def test_a_place_that_does_not_exist_is_named(process_wide, name):
    before = agrad.get_device()
    with pytest.raises((ValueError, RuntimeError), match=name.partition(":")[0]):
        process_wide(name)
    assert agrad.get_device() is before


@pytest.mark.parametrize("what", [None, 1, np.ones(2)])
def test_a_device_is_named_by_a_string(what):
    with pytest.raises(TypeError, match="string"):
        agrad.Device(what)


def test_a_missing_cuda_is_one_clear_error(process_wide):
    if agrad.cuda.is_available():
        pytest.skip("this machine has CUDA")
    before = agrad.get_device()
    with pytest.raises(RuntimeError, match=r"(?i)cupy|driver"):
        process_wide("cuda")
    assert agrad.get_device() is before
    assert agrad.cuda.device_count() == 0


def test_devices_says_what_there_is_and_why_the_rest_is_not():
    found = agrad.devices()
    assert found["cpu"] == ""
    assert {name.partition(":")[0] for name in found} >= {"cpu", "cuda", "strict", "torch", "jax"}
    for name, reason in found.items():
        if reason:
            with pytest.raises(RuntimeError) as error:
                agrad.Device(name)
            assert str(error.value) == reason
        else:
            assert agrad.Device(name).name == name


def test_host_data_lands_on_the_current_device_and_tensors_stay(device):
    x = agrad.asarray([1.0, 2.0])
    with agrad.Device("cpu"):
        assert (x + 1).device is device
        assert agrad.add(x, [1.0, 2.0]).device is device
        assert (x + np.ones(2, dtype=np.float32)).device is device
        assert (np.ones(2, dtype=np.float32) + x).device is device
        assert agrad.asarray(x).device is device
        assert agrad.asarray(x.data).device is device or device.kind == "cpu"
        assert agrad.zeros_like(x).device is device


def test_mixed_devices_are_both_named():
    a = agrad.ones(2, device="cpu")
    b = agrad.ones(2, device="strict")
    for mix in (lambda: a + b, lambda: agrad.concat([a, b]), lambda: b @ a, lambda: agrad.where(a > 0, a, b)):
        with pytest.raises(ValueError, match=r"(?=.*\bcpu\b)(?=.*\bstrict\b).*\.to\("):
            mix()
    c = agrad.ones(2, device="strict:device1")
    with pytest.raises(ValueError, match=r"(?=.*\bstrict\b)(?=.*\bstrict:device1\b)"):
        b * c
    x = agrad.ones(2, device="cpu", requires_grad=True)
    with pytest.raises(ValueError, match=r"(?=.*\bcpu\b)(?=.*\bstrict\b)"):
        (x * 2).backward(b)
    with pytest.raises(ValueError, match=r"(?=.*\bcpu\b)(?=.*\bstrict\b)"):
        x.grad = b


def test_places_of_one_library_are_devices_of_their_own():
    x = agrad.ones(2, device="strict:device1", requires_grad=True)
    y = (x * 3).sum()
    y.backward()
    assert y.device.name == "strict:device1"
    assert x.grad.device is x.device
    assert x.to("strict").device is not x.device
    assert x.to("cpu").device.name == "cpu"


def _run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_the_environment_chooses_the_first_device():
    assert _run("import agrad; print(agrad.zeros(1).device)", AGRAD_DEVICE="strict").stdout.strip() == "strict"
    assert _run("import agrad; print(agrad.get_device().name)", AGRAD_DEVICE="").stdout.strip() == "cpu"


def test_an_unknown_device_in_the_environment_is_an_error():
    answer = _run("import agrad; agrad.zeros(1)", AGRAD_DEVICE="gpu")
    assert answer.returncode != 0
    assert "unknown device 'gpu'" in answer.stderr
