"""Checkpoints: one process writes them, and any number of processes resumes from them."""

import numpy as np
import pytest

import agrad
from agrad import distributed, nn, optim
from tests.distributed.ranks import called, run

pytestmark = pytest.mark.mpi

ROWS = np.random.default_rng(0).normal(size=(8, 3))


def trains(path, first, last):
    """Train from one step to another, resume where it is not the first one, and save at the end."""
    agrad.set_default_dtype("float64")
    agrad.manual_seed(0)
    model = nn.Linear(3, 2)
    adam = optim.Adam(model.parameters(), lr=0.1)
    if int(first):
        state = agrad.load(path)
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
    rows = agrad.asarray(ROWS[distributed.get_rank() :: distributed.get_world_size()])
    for _ in range(int(first), int(last)):
        adam.zero_grad()
        (model(rows) ** 2).mean().backward()
        for parameter in model.parameters():
            parameter.grad = distributed.all_reduce(parameter.grad, "mean")
        adam.step()
    if distributed.get_rank() == 0:
        agrad.save({"model": model.state_dict(), "adam": adam.state_dict()}, path)
    distributed.barrier()
    assert agrad.load(path)["adam"]["state"], "all processes can read it now"


def trained(ranks, path, first, last):
    """Run `trains` in a number of processes and return the weight that they saved."""
    ended = run(ranks, *called(trains), str(path), str(first), str(last))
    assert ended.status == 0, ended.output
    return agrad.load(path)["model"]["weight"].numpy()


def test_any_number_of_processes_resumes(tmp_path):
    expected = trained(1, tmp_path / "one", 0, 6)
    trained(2, tmp_path / "some", 0, 3)
    halfway = (tmp_path / "some").read_bytes()
    for ranks in (1, 2, 4):
        (tmp_path / "some").write_bytes(halfway)
        found = trained(ranks, tmp_path / "some", 3, 6)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
