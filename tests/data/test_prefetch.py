"""Batches made ahead in threads: the same batches, in order, and no thread left behind."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import agrad
from agrad.data import DataLoader, Dataset, TensorDataset
from agrad.data.prefetch import prefetch


class Slow(Dataset):
    """Items that take a while, some longer than others, and note what was asked for."""

    def __init__(self, n, bad=None):
        self.n, self.bad = n, bad
        self.asked, self.at_once, self.most = [], 0, 0
        self.lock = threading.Lock()

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        with self.lock:
            self.asked.append(index)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.002 * (index % 3))
        with self.lock:
            self.at_once -= 1
        if index == self.bad:
            raise OSError(f"item {index} cannot be decoded")
        return agrad.ones(2) * index


def left_behind():
    return [thread for thread in threading.enumerate() if thread.name.startswith("agrad-data")]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("shuffle", [False, True])
def test_the_same_batches(device, workers, shuffle):
    expected = [x.tolist() for x in DataLoader(Slow(17), 4, shuffle, seed=0)]
    loader = DataLoader(Slow(17), 4, shuffle, seed=0, num_workers=workers)
    batches = list(loader)
    assert [x.tolist() for x in batches] == expected
    assert {x.device for x in batches} == {device}
    assert not left_behind()


def test_whole_batches_in_memory(device):
    data = TensorDataset(agrad.arange(10))
    expected = [x.tolist() for (x,) in DataLoader(data, 4, True, seed=0)]
    assert [x.tolist() for (x,) in DataLoader(data, 4, True, seed=0, num_workers=2)] == expected


def test_threads_work_side_by_side():
    data = Slow(30)
    list(DataLoader(data, 2, num_workers=3))
    assert 1 < data.most <= 3


def test_it_does_not_run_far_ahead():
    data = Slow(1000)
    iterator = iter(DataLoader(data, 1, num_workers=2, prefetch_factor=3))
    next(iterator)
    time.sleep(0.1)
    assert len(data.asked) <= 8
    iterator.close()
    assert not left_behind()


def test_an_exception_arrives_where_the_batch_would_have():
    loader = DataLoader(Slow(20, bad=9), 2, num_workers=2)
    batches = iter(loader)
    assert [next(batches)[0, 0].item() for _ in range(4)] == [0.0, 2.0, 4.0, 6.0]
    with pytest.raises(OSError, match="item 9 cannot be decoded"):
        next(batches)
    assert not left_behind()


def test_leaving_early_ends_all_threads():
    data = Slow(1000)
    for _ in DataLoader(data, 2, num_workers=2):
        break
    assert not left_behind()
    asked = len(data.asked)
    time.sleep(0.05)
    assert len(data.asked) == asked < 20


def test_recording_and_device_are_those_of_the_loop():
    seen = []

    def note():
        seen.append((agrad.is_grad_enabled(), agrad.get_device().name))

    with agrad.no_grad(), agrad.Device("strict"):
        list(prefetch([note, note], threads=1, ahead=1))
    assert seen == [(False, "strict")] * 2


INTERRUPTED = """
import time
from agrad.data import DataLoader, Dataset

class Endless(Dataset):
    def __len__(self):
        return 10**9
    def __getitem__(self, index):
        time.sleep(0.01)
        return index

try:
    for i, batch in enumerate(DataLoader(Endless(), 4, num_workers=2)):
        if i == 0:
            print("going", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c(interruptible):
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "going\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (out, process.returncode) == ("stopped\n", 0)
