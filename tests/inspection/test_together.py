"""The instruments beside what has Nodes of no op: transforms, checkpoints and implicit functions."""

from __future__ import annotations

import pytest

import agrad


def slope(x):
    return agrad.grad(lambda x: agrad.sum(x * agrad.sin(x)))(x)


def recomputed(x):
    return agrad.checkpoint(lambda x: agrad.exp(agrad.sin(x)))(x)


def solved(x):
    return agrad.fixed_point(lambda z, a: 0.5 * (z + a / z), agrad.ones(2, dtype=x.dtype), x)


@pytest.mark.parametrize("function", [slope, recomputed, solved])
def test_instruments_see_through(device, function):
    x = agrad.asarray([0.5, 0.75], requires_grad=True)
    function(x).sum().backward()
    expected, x.grad = x.grad.tolist(), None
    with agrad.detect_anomaly(), agrad.profile() as profile:
        y = function(x).sum()
        y.backward()
    assert x.grad.tolist() == expected
    assert "sum" in str(profile)
    drawn = agrad.draw(function(x).sum())
    assert "sum" in drawn.mermaid
    assert drawn.mermaid.count("float32") >= 2


def test_an_anomaly_in_a_checkpoint_is_named(device):
    x = agrad.asarray([0.0], requires_grad=True)
    y = agrad.checkpoint(agrad.sqrt)(x)
    with agrad.detect_anomaly(), pytest.raises(FloatingPointError, match="sqrt"):
        y.sum().backward()
