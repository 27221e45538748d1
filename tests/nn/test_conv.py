"""Convolutional layers: shapes, settings, errors. Their values are compared with PyTorch's in tests/peers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agrad
from agrad import nn
from agrad.backends import sliding_windows as generic
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads


def test_conv2d_by_hand(device):
    picture = agrad.reshape(agrad.arange(16, dtype=agrad.float32), (1, 1, 4, 4))
    kernel = agrad.asarray([[[[1.0, 0.0], [0.0, -1.0]]]])
    assert F.conv2d(picture, kernel).tolist() == [[[[-5.0] * 3] * 3]]
    assert F.conv2d(picture, kernel, [1.0], stride=2).tolist() == [[[[-4.0, -4.0], [-4.0, -4.0]]]]
    assert F.conv2d(picture, kernel, dilation=3).tolist() == [[[[-15.0]]]]


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (2, 6, 7, 5)),
        ({"stride": 2}, (2, 6, 4, 3)),
        ({"padding": 1}, (2, 6, 9, 7)),
        ({"padding": "same"}, (2, 6, 9, 7)),
        ({"padding": "valid", "dilation": (3, 2)}, (2, 6, 3, 3)),
        ({"groups": 2, "bias": False, "padding_mode": "circular", "padding": 3}, (2, 6, 13, 11)),
    ],
)
def test_conv2d_shapes(device, settings, shape):
    layer = nn.Conv2d(4, 6, 3, **settings)
    out = layer(agrad.ones((2, 4, 9, 7)))
    assert out.shape == shape
    assert layer(agrad.ones((4, 9, 7))).shape == shape[1:]
    assert layer(agrad.ones((0, 4, 9, 7))).shape == (0, *shape[1:])
    out.sum().backward()
    assert layer.weight.grad.shape == layer.weight.shape


def test_an_empty_batch_has_a_gradient_of_zeros(device):
    layer = nn.Conv2d(1, 2, 3)
    layer(agrad.ones((0, 1, 4, 4))).sum().backward()
    assert layer.weight.grad.tolist() == agrad.zeros(layer.weight.shape).tolist()


TRANSPOSES = {1: (F.conv1d, F.conv_transpose1d), 2: (F.conv2d, F.conv_transpose2d), 3: (F.conv3d, F.conv_transpose3d)}


@pytest.mark.parametrize("axes", TRANSPOSES)
def test_the_transposed_convolution_is_the_transpose(device, axes):
    agrad.manual_seed(0)
    forth, back = TRANSPOSES[axes]
    x, weight = agrad.randn(2, 3, *(8, 7, 5)[:axes]), agrad.randn(4, 3, *(3, 2, 1)[:axes])
    settings = {"stride": 2, "padding": 1, "dilation": (1, 2, 1)[:axes]}
    y = forth(x, weight, **settings)
    g = agrad.randn(*y.shape)
    back = back(g, weight, output_padding=(1, 0, 0)[:axes], **settings)
    assert back.shape == x.shape
    assert_close((y * g).sum(), (x * back).sum(), rtol=1e-4)


def test_gradients_of_the_gradients(device):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    agrad.manual_seed(0)
    args = [agrad.randn(2, 2, 4, 3), agrad.randn(2, 1, 2, 2), agrad.randn(2)]
    check_grads(lambda *x: F.conv2d(*x, padding="same", groups=2), args)


CONVOLUTIONS = {
    F.conv1d: ((1, 1, 4), (1, 1, 2)),
    F.conv2d: ((1, 1, 4, 4), (1, 1, 2, 2)),
    F.conv3d: ((1, 1, 3, 4, 4), (1, 1, 1, 2, 2)),
    F.conv_transpose1d: ((1, 1, 4), (1, 1, 2)),
    F.conv_transpose2d: ((1, 1, 4, 4), (1, 1, 2, 2)),
    F.conv_transpose3d: ((1, 1, 3, 4, 4), (1, 1, 1, 2, 2)),
}


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
@pytest.mark.filterwarnings("ignore:a layer with float32")
@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float64", "float32"), ("complex64", "float32")])
def test_dtypes_are_promoted(device, convolution, dtypes):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    x, weight = (
        agrad.ones(shape, dtype=dtype, requires_grad=True)
        for shape, dtype in zip(CONVOLUTIONS[convolution], dtypes, strict=True)
    )
    bias = agrad.ones(1, dtype=dtypes[1])
    out = convolution(x, weight, bias)
    assert out.dtype == agrad.result_type(x, weight)
    agrad.sum(agrad.real(out)).backward()
    assert (x.grad.dtype, weight.grad.dtype) == (x.dtype, weight.dtype)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_take_the_dtype_of_the_weight(device, convolution, dtype):
    x, weight = CONVOLUTIONS[convolution]
    assert convolution(agrad.ones(x, dtype=dtype), agrad.ones(weight), agrad.ones(1)).dtype == agrad.float32


@pytest.mark.parametrize("whole", [np.int64, np.int32, np.uint8])
def test_settings_may_be_integers_of_numpy(device, whole):
    x = agrad.ones((1, 2, 6, 6))
    one, two = whole(1), whole(2)
    conv = nn.Conv2d(2, 4, (two, two), stride=one, padding=one, dilation=one, groups=two)
    assert conv(x).shape == (1, 4, 7, 7)
    assert nn.ConvTranspose2d(2, 4, two, stride=two, output_padding=one)(x).shape == (1, 4, 13, 13)
    assert nn.MaxPool2d(two, stride=two, padding=one, dilation=one)(x).shape == (1, 2, 4, 4)
    assert nn.AvgPool1d(two)(x[0]).shape == (2, 6, 3)


@pytest.mark.property
@settings(max_examples=25)
@given(st.data())
def test_any_settings_agree_with_plain_loops(device, data):
    draw = data.draw
    groups, axes = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel, stride, dilation, padding = (
        tuple(draw(st.lists(st.integers(low, 3), min_size=axes, max_size=axes))) for low in (1, 1, 1, 0)
    )
    least = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    lengths = [n + draw(st.integers(0, 4)) for n in least]
    agrad.manual_seed(0)
    x, weight = agrad.randn(2, 2 * groups, *lengths), agrad.randn(3 * groups, 2, *kernel)
    conv = F.conv1d if axes == 1 else F.conv2d
    out = conv(x, weight, None, stride, padding, dilation, groups)
    windows = generic.Windows(kernel, stride, tuple((p, p) for p in padding), dilation)
    expected = generic.convolve(device.backend, x.data, weight.data, windows, groups)
    assert_close(out, device.backend.to_numpy(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.conv2d(x, agrad.ones((2, 4, 3, 3))), "takes 4 input channels"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3))), r"weight must have shape"),
        (lambda x: F.conv2d(x[0, 0], agrad.ones((2, 3, 3, 3))), r"input must have shape \(batch, channels, height"),
        (lambda x: F.conv3d(x[0, 0], agrad.ones((2, 3, 3, 3, 3))), r"\(batch, channels, depth, height, width\)"),
        (lambda x: nn.ConvTranspose1d(3, 4, 3, output_padding=(1, 1)), "output_padding must be one integer, each 0"),
        (lambda x: nn.ConvTranspose3d(3, 4, 3, padding="same"), "ConvTranspose3d takes integers for padding"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 9, 3))), "larger than the input"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), agrad.ones(3)), r"bias must have shape \(2,\)"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), stride=0), "stride must be"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), stride=1.0), "stride must be"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), stride=(1, "1")), "stride must be"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), stride=2, padding="same"), "padding='same'"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), padding="full"), "'same' or 'valid'"),
        (lambda x: F.conv2d(x, agrad.ones((2, 3, 3, 3)), padding=(1, 1, 1)), "padding must be"),
        (lambda x: F.conv2d(x, agrad.ones((2, 1, 3, 3)), groups=3), "groups=3"),
        (lambda x: F.conv_transpose2d(x, agrad.ones((2, 1, 3, 3))), "takes 2 input channels"),
        (lambda x: F.conv_transpose2d(x, agrad.ones((3, 1, 3, 3)), output_padding=1), "output_padding"),
        (lambda x: F.conv_transpose2d(x, agrad.ones((3, 1, 1, 1)), padding=4), "removes the whole output"),
        (lambda x: nn.Conv2d(3, 4, 3, groups=2), "groups=2 must divide"),
        (lambda x: nn.Conv2d(3, 4, 3, padding_mode="mirror"), "padding_mode must be 'zeros', 'reflect'"),
        (lambda x: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), "padding_mode='zeros'"),
    ],
)
def test_errors_say_what_is_wrong(device, call, message):
    with pytest.raises(ValueError, match=message):
        call(agrad.ones((1, 3, 6, 6)))
