"""Arrays on GPUs: by NCCL where each process has one of its own, by CUDA-aware MPI, or through the host.

Where there is no GPU, on the emulator (tests/cupy_on_cpu) with two of them; NCCL is then a stand-in.
"""

import numpy as np
import pytest

import agrad
from agrad import distributed
from agrad.distributed.world import current
from agrad.testing import assert_close
from tests.distributed.ranks import called, run
from tests.distributed.test_collectives import check_values
from tests.distributed.test_training import OPTIMIZERS
from tests.distributed.training import Training, check_equal

pytestmark = [pytest.mark.mpi, pytest.mark.cuda]
ON_CUDA = {"AGRAD_DEVICE": "cuda", "CUPY_ON_CPU_GPUS": "2"}


def passes(function, ranks=2, **env):
    ended = run(ranks, *called(function), timeout=280, **ON_CUDA, **env)
    assert ended.status == 0, ended.output


def check():
    """Compare all collectives with NumPy, and what is begun before it is waited for."""
    for dtype in ("float32", "float16", "int32", "int16", "bool", "complex64"):
        check_values((4, 2), dtype)
    x = agrad.asarray(np.arange(3.0) + distributed.get_rank())

    request = x._device.backend.start_all_reduce(x._data, "mean", current())
    assert request.wait() is x._data
    assert_close(x, np.arange(3.0) + 0.5)
    y = agrad.tensor([1.0, 2.0], requires_grad=True)
    (distributed.all_reduce(y) ** 2).sum().backward()
    assert y.grad.tolist() == [8.0, 16.0]


def carrier():
    """Return an array, and what the backend makes of it to send it."""
    x = agrad.ones(2)._data
    return x, *agrad.get_device().backend.carrier(x, current(), "sum")


def through_the_host():
    _, sent, transport = carrier()
    assert isinstance(sent, np.ndarray)
    assert transport is current().transport
    check()


def by_cuda_aware_mpi():
    x, sent, transport = carrier()
    assert sent is x
    assert transport is not current().transport
    check()


def each_has_a_gpu_of_its_own():
    import cupy

    count = cupy.cuda.runtime.getDeviceCount()
    assert agrad.get_device().name == f"cuda:{distributed.get_local_rank() % count}"
    assert agrad.ones(2).device is agrad.get_device()


def by_nccl():
    from agrad.backends.cuda import nccl
    from tests.distributed import stand_in_nccl

    nccl.library = lambda: stand_in_nccl
    check()
    assert set(stand_in_nccl.calls) == {"allReduce", "allGather", "reduceScatter", "broadcast"}


def nccl_needs_a_gpu_for_each():
    from agrad.backends.cuda import nccl
    from tests.distributed import stand_in_nccl

    nccl.library = lambda: stand_in_nccl
    agrad.set_device("cuda:0")
    assert nccl.transport(current(), 0) is None
    check_values((4,), "float32")
    assert not stand_in_nccl.calls


def on_the_emulator():
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(0)["name"] == b"CPU"


def test_each_process_has_a_gpu_of_its_own():
    passes(each_has_a_gpu_of_its_own)


def test_through_the_host():
    passes(through_the_host)


@pytest.mark.parametrize("function", [by_nccl, nccl_needs_a_gpu_for_each, by_cuda_aware_mpi])
def test_directly(function):
    if not on_the_emulator():
        pytest.skip("it takes the stand-in for NCCL, which reads the memory of the emulator")
    passes(function, AGRAD_CUDA_AWARE_MPI="1" if function is by_cuda_aware_mpi else "0")


def training_is_that_of_one_process():
    for compiled, sharded in ((False, False), (True, True)):
        expected = Training(True, OPTIMIZERS["Adam"], "float32").run(4)
        check_equal(Training(False, OPTIMIZERS["Adam"], "float32", compiled=compiled, sharded=sharded).run(4), expected)


def all_draw_the_same():
    agrad.manual_seed(distributed.get_rank())
    for _ in range(1 + distributed.get_rank()):
        agrad.rand(2)
    distributed.DataParallel(agrad.nn.Linear(2, 1))
    assert agrad.get_device().name == f"cuda:{distributed.get_rank()}"
    x = agrad.rand(3)
    assert_close(x, distributed.broadcast(x), rtol=0, atol=0)


def test_the_random_numbers_of_all_gpus():
    passes(all_draw_the_same)


def test_training():
    passes(training_is_that_of_one_process)
