"""L-BFGS: where it arrives, when it stops, and its line search."""

import pytest

import agrad
from agrad import nn, optim
from agrad.optim.line_search import Point, strong_wolfe
from agrad.testing import assert_close


def closure_of(optimizer, loss_of):
    """Return a closure, and the list of the losses that it returned."""
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        losses.append(loss.item())
        return loss

    return closure, losses


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def test_it_walks_along_the_banana(device):
    p = nn.Parameter(agrad.asarray([-1.2, 1.0], dtype=agrad.float64))
    optimizer = optim.LBFGS([p], max_iter=100, line_search_fn="strong_wolfe")
    closure, losses = closure_of(optimizer, lambda: rosenbrock(p))
    assert optimizer.step(closure).item() == losses[0]
    assert_close(p.detach(), [1.0, 1.0], rtol=1e-4)
    assert len(losses) < 80
    assert optimizer.state_dict()["state"][0]["func_evals"] == len(losses)


def test_without_line_search(device):
    p, q = nn.Parameter([[3.0], [-1.0]]), nn.Parameter(2.0)
    optimizer = optim.LBFGS([p, q], lr=0.5)
    closure, losses = closure_of(optimizer, lambda: (p**2).sum() + (p.sum() - q) ** 2 + q**2)
    for _ in range(3):
        optimizer.step(closure)
    assert losses[-1] < 1e-6 * losses[0]


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_complex_parameters(device, line_search_fn):
    z = nn.Parameter([1.0 + 2.0j, -1.0j])
    optimizer = optim.LBFGS([z], lr=0.5, line_search_fn=line_search_fn)
    goal = agrad.asarray([0.5 - 1.0j, 2.0 + 0.0j])
    closure, _ = closure_of(optimizer, lambda: (agrad.abs(z - goal) ** 2).sum())
    optimizer.step(closure)
    assert_close(z.detach(), goal, rtol=1e-3)


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_resumed_as_if_never_stopped(device, tmp_path, line_search_fn):
    def begin(values):
        p = nn.Parameter(agrad.asarray(values, dtype=agrad.float64))
        optimizer = optim.LBFGS([p], lr=0.01, max_iter=3, history_size=2, line_search_fn=line_search_fn)
        return p, optimizer, closure_of(optimizer, lambda: rosenbrock(p))[0]

    p, optimizer, closure = begin([-1.2, 1.0])
    for _ in range(2):
        optimizer.step(closure)
    agrad.save({"p": p.detach(), "optimizer": optimizer.state_dict()}, tmp_path / "state")
    saved = agrad.load(tmp_path / "state")
    q, resumed, again = begin(saved["p"])
    resumed.load_state_dict(saved["optimizer"])
    for _ in range(2):
        optimizer.step(closure)
        resumed.step(again)
    assert_close(q.detach(), p.detach(), rtol=0, atol=0)
    assert q.tolist() != saved["p"].tolist()


def test_parameters_without_gradient_stay(device):
    p, q = nn.Parameter([1.0]), nn.Parameter([5.0])
    optimizer = optim.LBFGS([p, q], lr=0.25)
    closure, _ = closure_of(optimizer, lambda: (p * p).sum())
    optimizer.step(closure)
    assert q.tolist() == [5.0]
    assert abs(p.item()) < 0.01


@pytest.mark.parametrize("max_eval", [1, 2, 5])
@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_it_stops_after_max_eval(max_eval, line_search_fn):
    p = nn.Parameter([-1.2, 1.0])
    optimizer = optim.LBFGS([p], lr=1e-3, max_eval=max_eval, line_search_fn=line_search_fn)
    closure, losses = closure_of(optimizer, lambda: rosenbrock(p))
    optimizer.step(closure)
    assert len(losses) <= max_eval + 1


def test_a_closure_may_return_a_number(device):
    p = nn.Parameter([3.0])
    optimizer = optim.LBFGS([p], lr=0.5)
    closure, losses = closure_of(optimizer, lambda: (p * p).sum())
    assert optimizer.step(lambda: closure().item()) == losses[0] == 9.0
    assert abs(p.item()) < 0.01


def test_a_straight_line_is_followed_as_far_as_allowed(device):
    p = nn.Parameter(agrad.zeros(2))
    optimizer = optim.LBFGS([p], max_iter=2, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(optimizer, lambda: agrad.abs(p - 1000.0).sum())[0])
    assert_close(p.detach(), [5.0, 5.0], rtol=1e-6)  # ten times the first step, as in PyTorch


def test_nothing_happens_at_a_minimum():
    p = nn.Parameter([0.0])
    optimizer = optim.LBFGS([p])
    closure, losses = closure_of(optimizer, lambda: (p * p).sum())
    optimizer.step(closure)
    assert (p.tolist(), losses) == ([0.0], [0.0])


def test_wrong_settings_are_refused():
    p, q = nn.Parameter([1.0]), nn.Parameter([1.0])
    with pytest.raises(ValueError, match="'strong_wolfe' or None, not 'armijo'"):
        optim.LBFGS([p], line_search_fn="armijo")
    with pytest.raises(ValueError, match="several groups"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="max_iter must be 0 or more"):
        optim.LBFGS([p], max_iter=-1)
    with pytest.raises(TypeError, match=r"write optimizer.step\(closure\)"):
        optim.LBFGS([p]).step()
    with pytest.raises(ValueError, match="one device, not on cpu and strict"):
        optim.LBFGS([p, nn.Parameter(agrad.ones(1, device="strict"))])


# The line search


def line(function, slope):
    zero = agrad.zeros(1)
    return lambda t: Point(t, function(t), zero, slope(t))


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 7.0, 100.0])
@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda t: (t - 2) ** 2, lambda t: 2 * (t - 2)),
        (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
        (lambda t: (t - 1) ** 4 - t, lambda t: 4 * (t - 1) ** 3 - 1),
    ],
)
def test_strong_wolfe_conditions(first, function, slope):
    at = line(function, slope)
    start = at(0.0)
    point = strong_wolfe(at, start, first, 1.0, 1e-9, 25)
    assert point.loss <= start.loss + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)


def test_a_line_search_ends_where_the_loss_is_nan():
    at = line(lambda t: float("nan") if t > 1 else -t, lambda t: -1.0)
    point = strong_wolfe(at, at(0.0), 2.0, 1.0, 1e-9, 25)
    assert point.t >= 0


def test_a_line_search_that_finds_nothing_stays():
    at = line(lambda t: t, lambda t: -1.0)  # a gradient that is wrong
    assert strong_wolfe(at, at(0.0), 1.0, 1.0, 1e-9, 25).t < 1e-6
