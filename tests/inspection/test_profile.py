"""profile: what it counts of each op."""

import re
import time
from typing import Any

import pytest

import agrad
from agrad import nn
from agrad.core.observing import observers
from agrad.core.primitive import ArrayLike, primitive, registry


@pytest.fixture(autouse=True)
def own_registry():
    """Forget the primitives that a test makes."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


def row(seen, op):
    return next(row for row in seen.rows if row.op == op)


def sleeper(forward, backward):
    """Return an op whose forward and rule take so many seconds."""

    @primitive
    def sleep(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        time.sleep(forward)
        return x * 1

    def rule(g):
        time.sleep(backward)
        return g * 1

    sleep.vjp(x=rule)
    return sleep


def test_calls_and_bytes(device):
    x = agrad.ones((10, 10), requires_grad=True)
    with agrad.profile() as seen:
        y = agrad.exp(agrad.exp(x)) * x
        (y + 1.0).sum().backward()
    found = {row.op: (row.calls, row.saved) for row in seen.rows}
    assert found == {"exp": (2, 800), "multiply": (1, 400), "add": (1, 0), "sum": (1, 0)}


def test_an_array_kept_twice_counts_once(device):
    x = agrad.ones((10, 10), requires_grad=True)
    with agrad.profile() as seen:
        x * x
    assert row(seen, "multiply").saved == 400


def test_bytes_count_again_in_every_step():
    x = agrad.ones((10, 10), requires_grad=True)
    with agrad.profile() as seen:
        for _ in range(5):
            agrad.exp(x).sum().backward()
    assert row(seen, "exp").saved == 5 * 400


def test_ops_that_are_not_recorded_count_and_keep_nothing(device):
    with agrad.profile() as seen:
        agrad.exp(agrad.ones(3))
        with agrad.no_grad():
            agrad.exp(agrad.ones(3, requires_grad=True))
    assert (row(seen, "exp").calls, row(seen, "exp").saved) == (2, 0)


def test_time_is_counted_where_it_is_spent():
    x = agrad.ones(3, requires_grad=True)
    sleep = sleeper(0.02, 0.04)
    with agrad.profile() as seen:
        (sleep(sleep(x)) * 2.0).sum().backward()
    found = row(seen, "sleep")
    assert found.forward >= 0.04
    assert found.backward >= 0.08
    assert found.total == found.forward + found.backward
    assert seen.rows[0] is found


def test_time_of_ops_inside_a_recorded_rule_is_theirs():
    x = agrad.ones(3, requires_grad=True)
    sleep = sleeper(0.1, 0.0)

    @primitive
    def outer(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        return x * 1

    outer.vjp(x=lambda g: sleep(g) if isinstance(g, agrad.Tensor) else g * 1)
    with agrad.profile() as seen:
        outer(x).sum().backward(create_graph=True)
    assert row(seen, "sleep").forward >= 0.1
    assert row(seen, "outer").backward < 0.1


def test_the_clock_waits_for_the_device(device, monkeypatch):
    waits = []
    monkeypatch.setattr(type(device.backend), "synchronize", lambda self, native: waits.append(1))
    x = agrad.ones(3, requires_grad=True)
    with agrad.profile():
        agrad.exp(x)
    assert len(waits) == 2


def test_the_table_is_sorted_and_adds_up():
    layer = nn.Linear(20, 30)
    with agrad.profile() as seen:
        agrad.relu(layer(agrad.ones((5, 20)))).sum().backward()
    lines = str(seen).splitlines()
    assert lines[0].split() == ["op", "calls", "forward", "backward", "total", "saved"]
    assert [line.split()[0] for line in lines[2:-2]] == [row.op for row in seen.rows]
    assert lines[-1].split()[:2] == ["total", str(sum(row.calls for row in seen.rows))]
    assert [row.total for row in seen.rows] == sorted([row.total for row in seen.rows], reverse=True)
    assert all(re.fullmatch(r"\w+ +\d+( +[\d.]+ (µs|ms|s)){3} +[\d.]+ k?B", line) for line in [*lines[2:-2], lines[-1]])


def test_an_empty_profile_prints():
    with agrad.profile() as seen:
        pass
    assert str(seen).splitlines()[-1].split() == ["total", "0", "0", "µs", "0", "µs", "0", "µs", "0", "B"]


def test_results_and_errors_are_those_without():
    x = agrad.ones((2, 3), requires_grad=True)
    with agrad.profile() as seen:
        assert agrad.unstack(x)[1].tolist() == [1.0, 1.0, 1.0]
        with pytest.raises(ValueError, match=r"reshape\(float32 of shape \(2, 3\), shape=\(4,\)"):
            agrad.reshape(x, (4,))
    assert [row.op for row in seen.rows if row.calls] == ["unstack"]
    assert not observers


def test_instruments_nest():
    x = agrad.asarray([0.0], requires_grad=True)
    with agrad.profile() as outer, agrad.profile() as inner, agrad.detect_anomaly():
        with pytest.raises(FloatingPointError, match="log made inf"):
            agrad.log(x)
        agrad.exp(x)
    for seen in (outer, inner):
        assert row(seen, "exp").calls == 1
