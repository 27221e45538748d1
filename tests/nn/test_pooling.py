"""Pooling layers. Their values are compared with PyTorch's in tests/peers."""

import math

import pytest

import agrad
from agrad import nn
from agrad.backends.sliding_windows import Windows
from agrad.nn import functional as F
from agrad.testing import assert_close


def test_the_first_of_equals_gets_the_gradient(device):
    x = agrad.zeros((1, 1, 2, 4), requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1.0, 0.0, 1.0, 0.0], [0.0] * 4]]]


def test_overlapping_windows_add_up(device):
    x = agrad.asarray([[[0.0, 5.0, 1.0]]], requires_grad=True)
    F.max_pool1d(x, 2, stride=1).sum().backward()
    assert x.grad.tolist() == [[[0.0, 2.0, 0.0]]]


def test_nan_wins(device):
    x = agrad.asarray([[[1.0, math.nan, 3.0, 4.0, math.nan, 6.0, 7.0, 8.0]]])
    first, second, third, last = F.max_pool1d(x, 2).tolist()[0][0]
    assert math.isnan(first)
    assert second == 4.0
    assert math.isnan(third)
    assert last == 8.0


def test_an_infinity_affects_only_its_window(device):
    x = agrad.asarray([[[math.inf, 1.0, 2.0, 4.0]]])
    assert F.avg_pool1d(x, 2).tolist() == [[[math.inf, 3.0]]]
    assert F.adaptive_avg_pool2d(agrad.expand_dims(x, axis=0), (1, 2)).tolist() == [[[[math.inf, 3.0]]]]


def test_padding_never_wins(device):
    assert F.max_pool2d(agrad.full((1, 1, 2, 2), -3.0), 2, padding=1).tolist() == [[[[-3.0] * 2] * 2]]
    assert F.max_pool1d(agrad.asarray([[[-5, -7]]]), 2, padding=1).tolist() == [[[-5, -7]]]


@pytest.mark.parametrize("padding", [1, (1, 0), (0, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("value", [-math.inf, -3.0])
def test_padding_gets_no_gradient(device, padding, dilation, value):
    x = agrad.full((2, 1, 5, 6), value, dtype="float32", requires_grad=True)
    out = F.max_pool2d(x, 3, 2, padding, dilation, ceil_mode=True)
    out.backward(agrad.ones_like(out))
    assert x.grad.sum().item() == out.size
    expected = agrad.zeros(x.shape, requires_grad=True)  # of equals the first gets it, whatever they are
    F.max_pool2d(expected, 3, 2, padding, dilation, ceil_mode=True).sum().backward()
    assert x.grad.tolist() == expected.grad.tolist()


def test_the_smallest_integers_lose_no_gradient_to_the_padding(device):
    smallest = agrad.iinfo("int32").min
    x = agrad.full((1, 1, 3), smallest, dtype="int32")
    _, indices = F.pooling.window_max(x, windows=Windows((3,), (1,), ((1, 1),), (1,)))
    assert indices.tolist() == [[[1, 0, 0]]]


@pytest.mark.parametrize("pool", [F.max_pool1d, F.avg_pool1d, F.max_pool2d, F.avg_pool2d])
def test_a_window_may_be_larger_than_the_input(device, pool):
    x = agrad.ones((1, 2) if pool in (F.max_pool1d, F.avg_pool1d) else (1, 2, 2), requires_grad=True)
    out = pool(x, 3, 2, ceil_mode=True)
    assert out.shape == (1,) * x.ndim
    assert out.item() == 1.0
    out.sum().backward()
    assert_close(x.grad.sum(), 1.0, rtol=1e-6)
    with pytest.raises(ValueError, match="larger than the input"):
        pool(x, 5, 2, ceil_mode=True)


def test_large_kernels_are_numbered(device):
    x = agrad.zeros((1, 1, 20, 20))
    x[0, 0, 19, 18] = 1.0
    x = x.detach().requires_grad_()
    F.max_pool2d(x, 20).sum().backward()
    assert x.grad[0, 0, 19, 18].item() == 1.0
    assert x.grad.sum().item() == 1.0


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2)])
def test_an_empty_batch(device, layer):
    assert layer(agrad.ones((0, 3, 4, 4))).shape == (0, 3, 2, 2)


def test_means_of_integers_are_refused(device):
    with pytest.raises(TypeError, match="astype"):
        F.avg_pool1d(agrad.ones((1, 1, 4), dtype=agrad.int64), 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.max_pool2d(x, 3, padding=2), "at most half"),
        (lambda x: F.max_pool2d(x, 5), "larger than the input"),
        (lambda x: F.max_pool2d(x, 0), "kernel_size must be"),
        (lambda x: F.max_pool1d(x, 2), r"\(batch, channels, length\)"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), "divisor_override"),
        (lambda x: F.adaptive_avg_pool2d(x, 0), "output_size must be"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), "output_size must be"),
    ],
)
def test_errors_say_what_is_wrong(device, call, message):
    with pytest.raises(ValueError, match=message):
        call(agrad.ones((1, 3, 4, 4)))
