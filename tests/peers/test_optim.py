"""Optimizers beside PyTorch's: the same steps, the same state."""

import itertools

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

SETTINGS = [
    {"momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x}
    for m, d, w, n, x in itertools.product([0, 0.9], [0, 0.5], [0, 0.1], [False, True], [False, True])
    if not n or (m and not d)
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_sgd_takes_pytorchs_steps(settings):
    random = np.random.default_rng(0)
    values = [random.standard_normal(shape) for shape in ((3, 2), (3,))]
    ours = [agrad.asarray(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    mine, other = agrad.optim.SGD(ours, lr=0.1, **settings), torch.optim.SGD(theirs, lr=0.1, **settings)
    for _ in range(4):
        for p, q in zip(ours, theirs, strict=True):
            g = random.standard_normal(p.shape)
            p.grad, q.grad = agrad.asarray(g), torch.tensor(g)
        mine.step()
        other.step()
    for p, q in zip(ours, theirs, strict=True):
        assert_close(p.detach(), q.detach().numpy())
    state, expected = mine.state_dict(), other.state_dict()
    assert list(state["state"]) == list(expected["state"])
    for i, entry in state["state"].items():
        assert_close(entry["momentum_buffer"], expected["state"][i]["momentum_buffer"].numpy())
    shared = state["param_groups"][0].keys() & expected["param_groups"][0].keys()
    assert {"lr", "params", *settings} <= shared
    assert all(state["param_groups"][0][name] == expected["param_groups"][0][name] for name in shared)


@pytest.mark.parametrize("settings", [{"lr": -1}, {"momentum": -1}, {"weight_decay": -1}, {"nesterov": True}])
def test_what_pytorch_refuses_is_refused(settings):
    for library in (agrad, torch):
        with pytest.raises(ValueError, match=r"(?i)momentum|learning rate|lr|weight_decay"):
            library.optim.SGD([library.ones(1, requires_grad=True)], **settings)
