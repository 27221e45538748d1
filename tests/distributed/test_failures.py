"""What fails in one process ends all of them, with its error, and within a minute; nothing waits forever."""

import os
import random
import re
import signal
import sys
import time

import numpy as np
import pytest

import agrad
from agrad import distributed
from tests.distributed.ranks import called, finish, run, started

pytestmark = pytest.mark.mpi
SECONDS = 30  # from its start until all processes have ended, on a busy machine
KILLS = 50


def total():
    """Return the sum of ones over all processes."""
    return distributed.all_reduce(agrad.ones(3)).tolist()


def one_raises():
    total()
    if distributed.get_rank() == 1:
        raise ZeroDivisionError("a loss of zero")
    total()


def one_raises_in_its_backward_pass():
    x = agrad.tensor(1.0, requires_grad=True)
    y = distributed.all_reduce(x)
    if distributed.get_rank() == 1:
        y.register_hook(lambda g: [][0])
    y.backward()
    total()


def one_exits():
    total()
    if distributed.get_rank() == 1:
        sys.exit(3)
    total()


def one_returns():
    if distributed.get_rank() == 0:
        total()


def one_returns_before_objects_are_gathered():
    if distributed.get_rank() == 0:
        distributed.world.current().all_gather_objects("")


def one_is_interrupted():
    total()
    if distributed.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGINT)
    while True:
        total()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (one_raises, "rank 1 of 2 ends all:\n(.*\n)+ZeroDivisionError: a loss of zero"),
        (one_raises_in_its_backward_pass, "rank 1 of 2 ends all:\n(.*\n)+IndexError"),
        (one_exits, "RuntimeError: .*: rank 1 has ended, and rank 0 waits for it in collective number 2"),
        (one_returns, "RuntimeError: .*: rank 1 has ended, and rank 0 waits for it in collective number 1"),
        (
            one_returns_before_objects_are_gathered,
            "PeerError: rank 1 has ended, and rank 0 waits for it in collective number 1",
        ),
        (one_is_interrupted, "rank 1 of 2 ends all:\n(.*\n)+KeyboardInterrupt"),
    ],
)
def test_an_error_in_one_process_ends_all(function, words):
    ended = run(2, *called(function), timeout=SECONDS)
    assert ended.status != 0
    assert re.search(words, ended.output), ended.output
    assert ended.output.count("rank 1 has ended, and") <= 1, "its cause is not printed too"


def test_an_error_before_init_ends_all():
    script = (
        "import os, agrad\n"
        "if os.environ['PMI_RANK'] == '1': raise KeyError('no such data')\n"
        "agrad.distributed.init(); agrad.distributed.barrier()"
    )
    ended = run(2, "-c", script, timeout=SECONDS, AGRAD_TIMEOUT="3")
    assert ended.status != 0
    assert "KeyError: 'no such data'" in ended.output
    assert "Timeout (0:00:03)!" in ended.output


# Under AGRAD_DEBUG=1


def different_collectives():
    total()
    if distributed.get_rank() == 0:
        distributed.all_reduce(agrad.ones(3))
    else:
        distributed.broadcast(agrad.ones(3))


def different_shapes():
    distributed.all_gather(agrad.ones(3 + distributed.get_rank()), axis=0)


def different_dtypes():
    distributed.all_reduce(agrad.ones(3, dtype="float64" if distributed.get_rank() else "float32"))


def different_operations():
    distributed.all_reduce(agrad.ones(3), "max" if distributed.get_rank() else "min")


def different_order():
    first, second = agrad.ones(2), agrad.ones(5)
    for x in (first, second) if distributed.get_rank() else (second, first):
        distributed.all_reduce(x)


def one_calls_none():
    total()
    if distributed.get_rank() == 1:
        time.sleep(60)
    total()


ZERO = r"rank 0: {} in .*test_failures.py, line \d+: .*\n +rank 1: {}"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (different_collectives, ZERO.format(r"all_reduce\(float32 of shape \(3,\), 'sum'\)", "broadcast")),
        (different_shapes, ZERO.format(r"all_gather\(float32 of shape \(3,\), 0\)", r"all_gather\(.* shape \(4,\)")),
        (different_dtypes, ZERO.format(r"all_reduce\(float32.*\)", "all_reduce.float64")),
        (different_operations, ZERO.format(r"all_reduce\(.*, 'min'\)", r"all_reduce\(.*, 'max'\)")),
        (different_order, ZERO.format(r"all_reduce\(.* \(5,\).*\)", r"all_reduce\(.* \(2,\).*\)")),
        (one_returns, ZERO.format(r"all_reduce\(.*\)", "the end of the program")),
        (
            one_calls_none,
            "rank 1 called no collective for 3 seconds, and rank 0 waited:\n +" + ZERO.format(".*", "none"),
        ),
    ],
)
def test_different_calls_are_told_with_their_lines(function, words):
    ended = run(2, *called(function), timeout=SECONDS, AGRAD_DEBUG="1", AGRAD_TIMEOUT="3")
    assert ended.status != 0
    assert re.search(words, ended.output), ended.output


def test_one_process_with_debugging_is_enough():
    script = (
        "import os\n"
        "if os.environ['PMI_RANK'] == '0': del os.environ['AGRAD_DEBUG']\n"
        "import agrad\n"
        "agrad.distributed.init()\n"
        "agrad.distributed.DataParallel(agrad.nn.Linear(1, 1))(agrad.ones((2, 1))).sum().backward()\n"
        "agrad.distributed.all_reduce(agrad.ones(3 + agrad.distributed.get_rank()))"
    )
    ended = run(2, "-c", script, timeout=SECONDS, AGRAD_DEBUG="1", AGRAD_TIMEOUT="5")
    assert ended.status != 0
    assert "rank 1: all_reduce(float32 of shape (4,), 'sum')" in ended.output, ended.output


def the_same_calls():
    for _ in range(3):
        x = agrad.tensor(np.ones((2, 2)), requires_grad=True)
        distributed.reduce_scatter(distributed.all_gather(x), "mean").sum().backward()
    distributed.barrier()
    if distributed.get_rank() == 0:
        time.sleep(4)  # as to save a checkpoint, while the others wait at their end
        print("done")


def test_the_same_calls_pass_the_comparison():
    ended = run(2, *called(the_same_calls), timeout=SECONDS, AGRAD_DEBUG="1", AGRAD_TIMEOUT="3")
    assert (ended.status, ended.output) == (0, "done\n")


# Signals


TRAINING = """
import os, sys
sys.stdout.write(f"{os.getpid()}\\n")
sys.stdout.flush()
import agrad
agrad.distributed.init()
weight, rank = agrad.zeros(1000), agrad.distributed.get_rank()
for step in range(1, 1_000_000):
    weight = weight + agrad.distributed.all_reduce(agrad.ones(1000), "mean")
    if rank == 0:
        agrad.save({"weight": weight, "step": agrad.asarray(step)}, "FOLDER/last.safetensors")
"""


def trains(folder):
    """Return the command that trains as long as nobody ends it, and saves a checkpoint after each step."""
    return "-c", TRAINING.replace("FOLDER", str(folder))


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def numbers(process):
    """Return the numbers of both processes once they have printed them."""
    return [int(process.stdout.readline()) for _ in range(2)]


def assert_all_end(process, pids):
    assert finish(process, SECONDS).status != 0
    deadline = time.monotonic() + 10
    while not all(map(gone, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(gone, pids)), f"of {pids}, some still run"


def seconds_until(path, process):
    """Return how long it takes until a file exists."""
    began = time.monotonic()
    while not path.exists():
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.timeout(900)
def test_killed_processes_never_leave_the_others_waiting(tmp_path):
    draws, last, longest = random.Random(0), tmp_path / "last.safetensors", 0.0
    for _ in range(KILLS):
        with started(2, *trains(tmp_path)) as process:
            pids = numbers(process)
            longest = longest or 2 * seconds_until(last, process)
            time.sleep(draws.uniform(0, longest))  # while it starts, or trains
            os.kill(draws.choice(pids), signal.SIGKILL)
            assert_all_end(process, pids)
        state = agrad.load(last)
        assert state["weight"].tolist() == [state["step"].item()] * 1000


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_mpiexec_end_all(tmp_path, sent, interruptible):
    with started(2, *trains(tmp_path)) as process:
        pids = numbers(process)
        time.sleep(1)
        process.send_signal(sent)
        assert_all_end(process, pids)
