"""Observers: what they see of every op and rule, in which order, and what they leave as it is."""

import threading

import numpy as np
import pytest

import agrad
from agrad.core.observing import Observer, observers
from agrad.testing import assert_close
from tests.ops.test_cases import arrays_of, each_row, find, outputs, prepared, tensors


class Trace(Observer):
    """Writes down what it sees, under a name of its own."""

    def __init__(self, name="", log=None):
        self.name, self.log = name, [] if log is None else log

    def see_op(self, call, run):
        self.log.append(f"{self.name}{call.name}")
        return run()

    def see_rule(self, step, run):
        self.log.append(f"{self.name}{step.name} for {step.argument}")
        return run()

    def see_node(self, node, g):
        self.log.append(f"{self.name}at {node.plan.name}")


@each_row
def test_every_op_gives_the_same_when_observed(device, case, is_complex):
    """Values, and the gradients of their sum."""
    args, precision = prepared(case, is_complex, device)

    def run():
        inputs = tensors(args, precision, requires_grad=True)
        found = outputs(case.run(find(case), inputs))
        flowing = [x for x in found if isinstance(x, agrad.Tensor) and x.requires_grad]
        leaves = [x for x in arrays_of(inputs) if isinstance(x, agrad.Tensor) and x.requires_grad]
        seeds = [agrad.ones_like(x) for x in flowing]
        return found, agrad.gradients(flowing, leaves, seeds, allow_unused=True) if flowing and leaves else ()

    plain = run()
    with Observer():
        observed = run()
    for before, after in zip(plain, observed, strict=True):
        for a, b in zip(before, after, strict=True):
            assert (a is None) == (b is None)
            if isinstance(a, agrad.Tensor):
                assert a.requires_grad == b.requires_grad
                assert_close(a, b)


def test_ops_rules_and_nodes_are_seen(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    with Trace() as trace:
        y = agrad.exp(x) * agrad.asarray([3.0, 4.0])
        y.sum().backward()
    assert trace.log == [
        "exp", "multiply", "sum", "at sum", "sum for x", "at multiply", "multiply for x1", "at exp", "exp for x",
    ]  # fmt: skip


def test_a_call_tells_its_inputs_its_node_and_its_result(device):
    calls = []

    class Look(Observer):
        def see_op(self, call, run):
            assert call.result is None
            result = run()
            calls.append(call)
            return result

    x = agrad.asarray([[1.0, 2.0]], requires_grad=True)
    with Look():
        y = agrad.sum(x, axis=1)
        (first,) = agrad.unstack(x)
        agrad.arange(3) + 1
    summed, unstacked, plain = calls
    assert summed.inputs["x"] is x.data
    assert summed.inputs["axis"] == 1
    assert summed.node is y._node
    assert summed.result is y
    assert unstacked.node is first._node.edges[0][0]
    assert plain.node is None
    assert plain.device is device


def test_the_innermost_is_nearest_to_the_op():
    log = []

    class Around(Trace):
        def see_op(self, call, run):
            log.append(f"{self.name} before")
            result = run()
            log.append(f"{self.name} after")
            return result

    with Around("outer"), Around("inner"):
        agrad.exp(0.0)
    assert log == ["outer before", "inner before", "inner after", "outer after"]


def test_an_observer_may_be_entered_again():
    trace = Trace()
    with trace, trace:
        agrad.exp(0.0)
    with trace:
        agrad.exp(0.0)
    assert trace.log == ["exp", "exp", "exp"]


def test_nothing_is_seen_outside_of_the_block_or_the_context():
    agrad.exp(0.0)
    with Trace() as trace:
        thread = threading.Thread(target=lambda: agrad.exp(0.0))
        thread.start()
        thread.join()
    agrad.exp(0.0)
    assert trace.log == []
    assert observers == []


def test_a_block_left_by_an_error_is_left():
    with pytest.raises(ValueError, match="shape"), Observer():
        agrad.ones(2) + agrad.ones(3)
    assert observers == []


def test_lists_and_numpy_arrays_are_one_op():
    with Trace() as trace:
        agrad.add([1.0], np.ones(1, dtype=np.float32))
    assert trace.log == ["add"]
