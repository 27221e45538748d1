"""Linear, the activations, Flatten."""

import math

import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads


def test_linear_shapes_and_values(device):
    layer = nn.Linear(2, 3)
    assert layer.weight.shape == (3, 2)
    assert layer.bias.shape == (3,)
    layer.load_state_dict({"weight": agrad.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), "bias": agrad.ones(3)})
    assert layer(agrad.asarray([1.0, 1.0])).tolist() == [4.0, 8.0, 12.0]
    for shape in ((2,), (0, 2), (5, 2), (2, 5, 2)):
        assert layer(agrad.ones(shape)).shape == (*shape[:-1], 3)


def test_linear_without_bias(device):
    layer = nn.Linear(2, 3, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    assert layer(agrad.zeros((1, 2))).tolist() == [[0.0, 0.0, 0.0]]


def test_linear_dtype_and_device():
    layer = nn.Linear(2, 3, dtype=agrad.float64, device="strict")
    assert {p.dtype for p in layer.parameters()} == {agrad.float64}
    assert {p.device.name for p in layer.parameters()} == {"strict"}


def test_linear_begins_as_pytorchs_does(device):
    agrad.manual_seed(0)
    layer = nn.Linear(400, 200)
    bound = 1 / math.sqrt(400)
    for p in layer.parameters():
        values = p.detach()
        assert -bound <= values.min().item() < -0.95 * bound
        assert 0.95 * bound < values.max().item() < bound
    assert abs(layer.weight.detach().mean().item()) < 0.01 * bound
    assert math.isclose(layer.weight.detach().std().item(), bound / math.sqrt(3), rel_tol=0.02)


def test_linear_is_reproducible(device):
    agrad.manual_seed(3)
    a = nn.Linear(3, 2)
    agrad.manual_seed(3)
    b = nn.Linear(3, 2)
    assert_close(a.weight, b.weight, rtol=0, atol=0)
    a.reset_parameters()
    assert a.weight.tolist() != b.weight.tolist()


def test_linear_without_inputs_or_outputs(device):
    assert nn.Linear(0, 2)(agrad.zeros((3, 0))).shape == (3, 2)
    out = nn.Linear(2, 0)(agrad.zeros((3, 2), requires_grad=True))
    assert out.shape == (3, 0)
    out.sum().backward()


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (2, 0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_gradients(device, shape, bias):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    agrad.manual_seed(1)
    args = [agrad.randn(*shape), agrad.randn(4, 3), *([agrad.randn(4)] if bias else [])]
    check_grads(F.linear, args)


def test_linear_is_one_node_and_saves_only_needed_arrays(device):
    layer = nn.Linear(3, 2)
    x = agrad.ones((5, 3))
    out = layer(x)
    assert [edge for edge, _ in out._node.edges] == [layer.weight, layer.bias]
    out.sum().backward()
    assert layer.bias.grad.tolist() == [5.0, 5.0]
    assert layer.weight.grad.tolist() == [[5.0] * 3] * 2


@pytest.mark.parametrize("shape", [(4,), (2, 4), ()])
def test_linear_of_a_wrong_shape(device, shape):
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\)"):
        nn.Linear(3, 2)(agrad.ones(shape))


def test_linear_bias_does_not_broadcast(device):
    with pytest.raises(ValueError, match="bias"):
        F.linear(agrad.ones((5, 3)), agrad.ones((2, 3)), agrad.ones(1))


def test_linear_takes_lists_and_keywords(device):
    assert F.linear([[1.0, 2.0]], weight=agrad.asarray([[3.0, 4.0]]), bias=[1.0]).tolist() == [[12.0]]


def test_mixed_devices_are_named():
    with pytest.raises(ValueError, match="strict"):
        nn.Linear(1, 1, device="strict")(agrad.ones((1, 1), device="cpu"))


@pytest.mark.parametrize(
    ("module", "function"),
    [(nn.ReLU(), lambda x: max(x, 0.0)), (nn.Sigmoid(), lambda x: 1 / (1 + math.exp(-x))), (nn.Tanh(), math.tanh)],
    ids=["ReLU", "Sigmoid", "Tanh"],
)
def test_elementwise_activations(device, module, function):
    values = [-2.0, 0.0, 0.5, 30.0]
    assert_close(module(agrad.asarray(values)), [function(x) for x in values], rtol=1e-6)
    assert list(module.parameters()) == []


def test_softmax_along_an_axis(device):
    x = agrad.asarray([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])
    assert_close(nn.Softmax(dim=1)(x).sum(axis=1), [1.0, 1.0], rtol=1e-6)
    assert_close(nn.Softmax(dim=0)(x).sum(axis=0), [1.0, 1.0, 1.0], rtol=1e-6)
    assert_close(nn.Softmax()(x), nn.Softmax(dim=-1)(x))
    assert_close(agrad.exp(F.log_softmax(x, 1)), F.softmax(x, dim=1))
    with pytest.raises(ValueError, match="dim=-1"):
        nn.Softmax()(agrad.ones((1, 2, 3)))


@pytest.mark.parametrize(
    ("shape", "axes", "flat"),
    [
        ((5, 2, 3), (1, -1), (5, 6)),
        ((5, 2, 3), (0, -1), (30,)),
        ((5, 2, 3, 4), (1, 2), (5, 6, 4)),
        ((5, 2, 3), (-2, -1), (5, 6)),
        ((5, 2), (1, 1), (5, 2)),
        ((0, 2, 3), (1, -1), (0, 6)),
        ((), (0, -1), (1,)),
    ],
)
def test_flatten(device, shape, axes, flat):
    assert nn.Flatten(*axes)(agrad.ones(shape)).shape == flat


def test_flatten_of_axes_that_are_not_there(device):
    with pytest.raises(IndexError, match="axis 1"):
        nn.Flatten()(agrad.ones(3))
    with pytest.raises(ValueError, match="is after"):
        nn.Flatten(2, 1)(agrad.ones((1, 2, 3)))


def test_flatten_passes_gradients_on(device):
    x = agrad.ones((2, 3), requires_grad=True)
    (nn.Flatten(0)(x) * agrad.arange(6, dtype=agrad.float32)).sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_uniform_overwrites_in_place(device):
    x = agrad.zeros(1000)
    array = x
    assert nn.init.uniform_(x, 2.0, 3.0) is array
    assert 2.0 <= x.min().item() < x.max().item() < 3.0


@pytest.mark.parametrize(
    ("layer", "value"),
    [(nn.PReLU(), -0.25), *((nn.Softmax(dim), 1.0) for dim in (None, 0, -1)), (nn.LogSoftmax(-1), 0.0)],
    ids=repr,
)
def test_activations_of_one_number(device, layer, value):
    x = agrad.asarray(-1.0, requires_grad=True)
    out = layer.to(device)(x)
    assert (out.shape, out.item()) == ((), value)
    out.backward()
    assert x.grad.shape == ()


def test_identity_takes_any_settings():
    x = agrad.ones(2)
    assert nn.Identity(54, unused=1)(x) is x
    assert repr(nn.Identity(54, unused=1)) == "Identity()"


def test_an_empty_batch_leaves_the_record_of_batch_norm(device):
    layer = nn.BatchNorm1d(2)
    for shape in ((0, 2), (3, 2, 0)):
        out = layer(agrad.ones(shape, requires_grad=True))
        assert out.shape == shape
        out.sum().backward()
    assert layer.weight.grad.tolist() == [0.0, 0.0]
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.running_var.tolist() == [1.0, 1.0]
    assert layer.num_batches_tracked.item() == 2
    assert layer.eval()(agrad.ones((0, 2))).shape == (0, 2)


LAYERS_OF_16_BITS = {
    "batch_norm": lambda dtype: nn.BatchNorm1d(4, dtype=dtype),
    "group_norm": lambda dtype: nn.GroupNorm(2, 4, dtype=dtype),
    "layer_norm": lambda dtype: nn.LayerNorm((4, 50), dtype=dtype),
    "rms_norm": lambda dtype: nn.RMSNorm((4, 50), eps=1e-5, dtype=dtype),
}


@pytest.mark.parametrize("name", LAYERS_OF_16_BITS)
def test_normalization_of_16_bits_does_not_overflow(device, name):
    if device.kind == "strict":
        pytest.skip("array-api-strict has no float16")
    agrad.manual_seed(0)
    x = (300 * agrad.randn(8, 4, 50)).astype("float16").detach().requires_grad_()
    layer, wide = LAYERS_OF_16_BITS[name]("float16"), LAYERS_OF_16_BITS[name]("float32")
    out = layer(x)
    assert out.dtype == agrad.float16
    assert_close(out.astype("float32").detach(), wide(x.detach().astype("float32")).detach().numpy(), atol=2e-3)
    (out * out).sum().backward()
    assert agrad.all(agrad.isfinite(x.grad)).item()


def test_the_record_of_a_batch_norm_of_16_bits(device):
    if device.kind == "strict":
        pytest.skip("array-api-strict has no float16")
    agrad.manual_seed(0)
    x = (100 * agrad.randn(500, 2)).astype("float16")
    layer = nn.BatchNorm1d(2, momentum=1.0, dtype="float16")
    layer(x)
    assert layer.running_var.dtype == agrad.float16
    assert_close(layer.running_var.astype("float32"), x.astype("float32").var(axis=0, correction=1).numpy(), rtol=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: nn.Linear(-3, 4), ValueError, "in_features must be 0 or more, not -3"),
        (lambda x: nn.Linear("3", 4), TypeError, "in_features must be an integer, not '3'"),
        (lambda x: nn.Conv2d(-3, 4, 3), ValueError, "in_channels must be 0 or more"),
        (lambda x: nn.Conv2d(3, 4, 3.0), ValueError, "kernel_size must be"),
        (lambda x: nn.Embedding(-1, 3), ValueError, "num_embeddings must be 0 or more"),
        (lambda x: nn.RNN(-3, 4), ValueError, "input_size must be 0 or more"),
        (lambda x: nn.MultiheadAttention(-8, 2), ValueError, "embed_dim must be 1 or more"),
        (lambda x: nn.BatchNorm1d(3, momentum=5.0), ValueError, "momentum must be from 0 to 1"),
        (lambda x: nn.BatchNorm1d(3, eps=-1), ValueError, "eps must be 0 or more"),
        (lambda x: nn.CrossEntropyLoss(label_smoothing=2), ValueError, "label_smoothing must be from 0 to 1"),
        (lambda x: nn.init.normal_(x, std=-1), ValueError, "std must be 0 or more"),
        (lambda x: nn.ReLU().register_forward_hook(3), TypeError, "a hook must be a function, not 3"),
        (lambda x: nn.Linear(3, 4)(None), TypeError, "linear got None for input"),
        (lambda x: nn.functional.linear(1.0, x), TypeError, "input must be a Tensor, not float"),
        (lambda x: nn.Unflatten(1, 4), TypeError, "unflattened_size must be a sequence of integers, not 4"),
        (lambda x: nn.BatchNorm1d(3)(None), TypeError, "input must be a Tensor, not NoneType"),
        (lambda x: nn.LSTM(3, 4)(None), TypeError, "input must be a Tensor, not NoneType"),
        (lambda x: nn.LSTM(3, 4)(x, (x,)), TypeError, r"write \(h, c\)"),
        (lambda x: nn.LSTM(3, 4)(x, (x, x, x)), TypeError, r"write \(h, c\)"),
        (lambda x: nn.GRU(3, 4)(x, (x, x)), TypeError, "hx must be a Tensor, not tuple"),
        (lambda x: nn.MultiheadAttention(3, 1)(None, x, x), TypeError, "query must be a Tensor, not NoneType"),
    ],
)
def test_settings_and_inputs_of_a_wrong_kind_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(agrad.ones((2, 3)))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(2, 3),
        nn.Conv2d(2, 3, 1),
        nn.BatchNorm1d(2),
        nn.InstanceNorm1d(2, affine=True),
        nn.LayerNorm(2),
        nn.RMSNorm(2),
        nn.GroupNorm(1, 2),
        nn.LSTM(2, 3),
    ],
    ids=repr,
)
def test_parameters_can_be_reset(layer):
    with agrad.no_grad():
        for p in layer.parameters():
            p[...] = 99.0
    layer.reset_parameters()
    assert all(abs(p).max().item() < 99.0 for p in layer.parameters())
