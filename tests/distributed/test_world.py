"""A process that is alone, and how several find out what keeps them from each other."""

import io
import multiprocessing
import os
import subprocess
import sys
from contextlib import redirect_stderr
from types import SimpleNamespace

import pytest

import agrad
from agrad import distributed, nn
from agrad.backends import mpi
from agrad.backends.agreement import Agreement, timeout
from agrad.backends.endings import PeerError
from agrad.distributed import world
from tests.distributed.ranks import ROOT, mpiexec, on_ranks


@pytest.fixture(autouse=True)
def started_alone(monkeypatch):
    """No launcher has started the process of the tests, and `init` was not called in it."""
    for name in mpi._SIZES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(world, "_connected", [])


@pytest.fixture
def without_mpi4py(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)


def test_alone_everything_returns_what_it_gets(device):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    for op in ("sum", "mean", "max", "min"):
        assert distributed.all_reduce(x, op).tolist() == x.tolist()
    for same in (distributed.all_gather(x, 1), distributed.reduce_scatter(x), distributed.broadcast(x)):
        assert same.tolist() == x.tolist()
        assert same.device is device
    with agrad.no_grad():
        copy = distributed.all_reduce(x)
        copy += 1
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert distributed.all_reduce(2.0).item() == 2.0
    distributed.barrier()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (distributed.average_gradients, "such as model.parameters"),
        (distributed.SyncBatchNorm.convert_sync_batchnorm, "takes a module"),
        (distributed.DataParallel, "takes a module"),
    ],
)
def test_what_is_no_model_is_an_error_alone_too(call, words):
    with pytest.raises(TypeError, match=words):
        call(3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: distributed.init("nccl"), r"'nccl' by position; it takes no arguments"),
        (lambda x: distributed.init(backend="nccl", init_method="env://"), r"write init\(\)"),
        (lambda x: distributed.barrier(async_op=True), r"write barrier\(\)"),
        (lambda x: distributed.all_reduce(x, op="max", async_op=True), r"write all_reduce\(x, op='max'\)"),
        (lambda x: distributed.all_reduce(tensor=x, group=None), r"write all_reduce\(x\)"),
        (lambda x: distributed.broadcast(x, src=1), r"write broadcast\(x, root=1\)"),
        (lambda x: distributed.broadcast(x, 0, async_op=True), r"write broadcast\(x\)"),
        (lambda x: distributed.reduce_scatter(x, dim=0), r"write reduce_scatter\(x, axis=0\)"),
        (lambda x: distributed.all_gather(x, dim=1), r"write all_gather\(x, axis=1\)"),
        (lambda x: distributed.all_gather([x, x], x), r"all_gather takes one .*; write xs = all_gather\(x\[None\]\)"),
        (
            lambda x: distributed.DataParallel(nn.ReLU(), device_ids=[0], broadcast_buffers=False),
            r"DataParallel\(module\)",
        ),
        (lambda x: distributed.average_gradients(x), r"model.parameters\(\) or \[x\], not float32"),
    ],
)
def test_pytorchs_calls_are_answered(call, words):
    with pytest.raises(TypeError, match=words):
        call(agrad.ones((2, 2)))


def test_init_of_a_process_that_is_alone_needs_no_mpi4py(without_mpi4py):
    distributed.init()
    assert distributed.is_initialized()
    assert (distributed.get_rank(), distributed.get_local_rank(), distributed.get_world_size()) == (0, 0, 1)


@pytest.mark.parametrize("launcher", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_several_processes_need_mpi4py_and_init(monkeypatch, without_mpi4py, launcher):
    monkeypatch.setenv(launcher, "3")
    with pytest.raises(RuntimeError, match=r"3 processes were started together; call agrad.distributed.init\(\) first"):
        distributed.all_reduce(agrad.ones(2))
    with pytest.raises(ImportError, match=r"3 processes were started together.* pip install \"agrad\[mpi\]\""):
        distributed.init()


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_the_timeout_is_a_number_of_seconds(monkeypatch, text):
    monkeypatch.setenv("AGRAD_TIMEOUT", text)
    with pytest.raises(ValueError, match=f"AGRAD_TIMEOUT is '{text}'.*AGRAD_TIMEOUT=600"):
        timeout()
    monkeypatch.setenv("AGRAD_TIMEOUT", "2.5")
    assert timeout() == 2.5


def test_a_disagreement_is_told_by_groups_of_ranks():
    comm = SimpleNamespace(Get_rank=lambda: 0, Get_size=lambda: 4)
    calls = {0: "barrier()\nf.py, line 1", 1: "broadcast(1)\nf.py, line 2", 2: "barrier()\nf.py, line 1"}
    with pytest.raises(
        PeerError, match=r"rank 3 called no collective for 50 seconds.*\n  ranks 0, 2: barrier\(\) in f"
    ):
        Agreement(comm, str)._compare(calls)
    calls[3] = calls[0]
    with pytest.raises(
        PeerError, match=r"\n  ranks 0, 2, 3: barrier\(\) in f.py, line 1\n  rank 1: broadcast\(1\) in f.py"
    ):
        Agreement(comm, str)._compare(calls)


@pytest.mark.mpi
@on_ranks(2)
def test_init_needs_no_file_behind_stderr():
    distributed.world._connected.clear()
    with redirect_stderr(io.StringIO()):
        distributed.init()


def size_after_init(_=None):
    distributed.init()
    return distributed.get_world_size()


@pytest.mark.mpi
@on_ranks(2)
def test_what_a_process_starts_is_alone():
    script = "from tests.distributed.test_world import size_after_init; print(size_after_init())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (0, "1\n"), ended.stderr
    for method in {"spawn", "forkserver"} & {*multiprocessing.get_all_start_methods()}:
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.map_async(size_after_init, [0]).get(timeout=30) == [1]
    assert distributed.get_world_size() == 2


@pytest.mark.mpi
def test_several_processes_need_an_mpi_library():
    mpiexec()
    script = "import agrad; agrad.distributed.init()"
    env = {**os.environ, "PMI_SIZE": "2", "MPI4PY_LIBMPI": "/nowhere/libmpi.so", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "ImportError: 2 processes were started together, and agrad.distributed needs mpi4py" in ended.stderr
    assert "/nowhere/libmpi.so" in ended.stderr


@pytest.mark.mpi
def test_the_mpiexec_of_another_mpi():
    mpiexec()
    script = "import agrad; agrad.distributed.init()"
    env = {**os.environ, "OMPI_COMM_WORLD_SIZE": "2", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "RuntimeError: 2 processes were started, but each of them is alone: their mpiexec is not" in ended.stderr
