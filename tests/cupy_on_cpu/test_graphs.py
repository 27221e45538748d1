"""CUDA graphs: what is captured is not done, each launch does it, and what CUDA refuses in a capture is refused."""

import ctypes

import pytest

import agrad
from tests.cupy_on_cpu.trace import Trace, is_emulated

pytestmark = pytest.mark.cuda


@pytest.fixture
def cupy():
    import cupy

    with agrad.Device("cuda"):
        if not is_emulated():
            pytest.skip("this is about the emulator")
        yield cupy


@pytest.fixture
def stream(cupy):
    """A stream that is captured while the test runs, unless it ends that itself."""
    with cupy.cuda.Stream(non_blocking=True) as stream:
        yield stream
        if stream.is_capturing():
            stream.end_capture()


def captured(stream, work):
    stream.begin_capture()
    try:
        work()
    finally:
        graph = stream.end_capture()
    return graph


def test_a_capture_does_nothing_and_each_launch_does_it(cupy, stream):
    x, out = cupy.arange(4, dtype="float32"), cupy.zeros(4, dtype="float32")
    graph = captured(stream, lambda: out.__iadd__(2 * x))
    assert out.tolist() == [0.0, 0.0, 0.0, 0.0]
    with Trace() as trace:
        graph.launch()
        graph.launch()
    assert out.tolist() == [0.0, 4.0, 8.0, 12.0]
    assert len(trace.graphs) == 2
    assert trace.kernels == []


def test_arguments_are_kept_by_value(cupy, stream):
    out, scale = cupy.zeros(2, dtype="float32"), 3.0
    stream.begin_capture()
    out += scale
    scale = 5.0
    graph = stream.end_capture()
    graph.launch()
    assert out.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    "use",
    [
        lambda cupy, x: x.get(),
        lambda cupy, x: float(x[0]),
        lambda cupy, x: cupy.asarray([1.0, 2.0]),
        lambda cupy, x: x.reshape(2, 2) @ x.reshape(2, 2),
        lambda cupy, x: cupy.linalg.solve(x.reshape(2, 2), x.reshape(2, 2)),
        lambda cupy, x: cupy.sort(x),
        lambda cupy, x: cupy.cuda.runtime.deviceSynchronize(),
    ],
    ids=["copy to host", "float", "copy to device", "product by CuPy", "solve", "sort", "synchronize"],
)
def test_calls_that_a_capture_refuses(cupy, stream, use):
    x = cupy.arange(4, dtype="float32")
    with pytest.raises((RuntimeError, NotImplementedError)):
        captured(stream, lambda: use(cupy, x))
    assert not stream.is_capturing()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_the_default_stream_cannot_be_captured(cupy):
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="CaptureUnsupported"):
        cupy.cuda.runtime.streamBeginCapture(0)


def test_products_need_a_workspace_that_is_given_after_the_stream(cupy, stream):
    blas, handle = ctypes.CDLL("libcublas.so.12"), ctypes.c_void_p()
    x, out = cupy.arange(4, dtype="float32").reshape(2, 2), cupy.zeros((2, 2), dtype="float32")
    at = lambda x: ctypes.c_void_p(x.data.ptr)

    def product():
        one, zero = (ctypes.byref(ctypes.c_float(factor)) for factor in (1.0, 0.0))
        return blas.cublasGemmEx(handle, 0, 0, 2, 2, 2, one, at(x), 0, 2, at(x), 0, 2, zero, at(out), 0, 2, 68, -1)

    blas.cublasCreate_v2(ctypes.byref(handle))
    stream.begin_capture()
    blas.cublasSetWorkspace_v2(handle, at(x), ctypes.c_size_t(16))
    blas.cublasSetStream_v2(handle, ctypes.c_void_p(stream.ptr))
    assert product() != 0
    blas.cublasSetWorkspace_v2(handle, at(x), ctypes.c_size_t(16))
    assert product() == 0
    graph = stream.end_capture()
    blas.cublasDestroy_v2(handle)
    assert out.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    graph.launch()
    assert out.tolist() == [[2.0, 3.0], [6.0, 11.0]]
