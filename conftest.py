"""The devices that tests run on, and what skips where."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import agrad
from agrad.core.device import _known

# A file is imported to collect its doctests: leave out the backends whose libraries are not installed.
LIBRARIES = {
    "cupy": "cupy",
    "dpnp": "dpnp",
    "jax": "jax",
    "mlx": "mlx",
    "ndonnx": "ndonnx",
    "onnx_functions": "ndonnx",
    "strict": "array_api_strict",
    "torch": "torch",
}
# The libraries that lack parts of the standard: a test that asks for one is skipped, with the error as reason.
INCOMPLETE = {"mlx", "dpnp"}
collect_ignore = [f"agrad/backends/{file}.py" for file, library in LIBRARIES.items() if find_spec(library) is None]
collect_ignore += ["agrad/onnx/sizes.py"] if find_spec("onnx") is None else []
collect_ignore += ["agrad/backends/cuda"] if find_spec("cupy") is None else []
collect_ignore += ["agrad/backends/apple"] if find_spec("mlx") is None else []

# The device fixture may serve all examples of a property-based test: entering a device leaves nothing behind.
settings.register_profile(
    "agrad", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("agrad")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device", action="append", metavar="NAME", help="run the device tests on NAME (repeatable; cpu and strict)"
    )
    parser.addoption("--require-device", action="store_true", help="fail, instead of skipping, where a device lacks")
    parser.addoption("--properties-on-jax", action="store_true", help="run the long tests, marked property, on jax too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        names = metafunc.config.getoption("--device") or ["cpu", "strict"]
        metafunc.parametrize("device", names, indirect=True)


def _device_name(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("device", "")) if callspec else ""


@contextmanager
def _skipping_what_is_lacking(item: pytest.Item) -> Iterator[None]:
    """Skip a test that asks an incomplete library for what it lacks, with its error as the reason."""
    try:
        yield
    except (NotImplementedError, RuntimeError, TypeError) as error:
        name = _device_name(item)
        lacks = isinstance(error, NotImplementedError) or re.search("has no (dtype )?(float64|complex128)", str(error))
        if lacks and name.partition(":")[0] in INCOMPLETE:
            pytest.skip(f"{name} lacks it: {error}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    if item.get_closest_marker("cuda"):
        _find("cuda", item.config)
    long = item.get_closest_marker("property") and not item.config.getoption("--properties-on-jax")
    if _device_name(item).partition(":")[0] == "jax" and long:
        pytest.skip("jax compiles each new shape, so this takes long; --properties-on-jax runs it")
    with _skipping_what_is_lacking(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _skipping_what_is_lacking(item):
        return (yield)


def _find(name: str, config: pytest.Config) -> agrad.Device:
    """Return a device; where this machine lacks it, skip with the reason, or fail under --require-device."""
    try:
        return agrad.Device(name)
    except RuntimeError as error:
        stop = pytest.fail if config.getoption("--require-device") else pytest.skip
        stop(f"no device {name!r}: {error}")


@pytest.fixture
def device(request: pytest.FixtureRequest) -> Iterator[agrad.Device]:
    """Each device under test, entered: Tensors made in the test live on it."""
    with _find(request.param, request.config) as device:
        yield device


@pytest.fixture(autouse=True)
def backends_of_a_test_go_with_it() -> Iterator[None]:
    """A backend that a test registers is forgotten after it: the next one may list all devices."""
    yield
    for kind in agrad.backends._by_kind.keys() - agrad.backends.KINDS.keys():
        backend = agrad.backends._by_kind.pop(kind)
        agrad.backends._by_type.pop(backend.array_type, None)
        for name, device in list(_known.items()):
            if device.backend is backend:
                del _known[name]


@pytest.fixture
def xp(device: agrad.Device) -> Any:
    """The array library's own namespace on the device under test."""
    return device.xp


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes started in the test hear Ctrl-C, also where this one ignores it, as all in the background do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def data_root() -> Path:
    """The folder that AGRAD_DATA names, with mnist/ in it; the test is skipped where there is none."""
    root = os.environ.get("AGRAD_DATA")
    if not root or not (Path(root) / "mnist").is_dir():
        pytest.skip("set AGRAD_DATA to a folder that holds mnist/ to run this test")
    return Path(root)
