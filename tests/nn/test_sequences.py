"""Recurrent layers and attention on each device, and what they refuse; tests/peers compares them with PyTorch's."""

import math

import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close

LAYERS = {
    "rnn": lambda: nn.RNN(3, 4, nonlinearity="relu"),
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    "gru": lambda: nn.GRU(3, 4, batch_first=True, bias=False),
    "transformer": lambda: nn.TransformerEncoderLayer(3, 3, 8, dropout=0.0),
    "attention": lambda: Itself(nn.MultiheadAttention(3, 1, batch_first=True)),
}


class Itself(nn.Module):
    """Attention of a sequence to its own past."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def forward(self, x):
        return self.attention(x, x, x, is_causal=True)


def run(layer, x):
    x = x.detach().requires_grad_()
    out = layer(x)
    out = out[0] if isinstance(out, tuple) else out
    (out * out).sum().backward()
    return [out, x.grad, *(p.grad for p in layer.parameters())]


@pytest.mark.parametrize("name", LAYERS)
def test_as_on_the_cpu(device, name):
    with agrad.Device("cpu"):
        agrad.manual_seed(0)
        reference, x = LAYERS[name](), agrad.randn(5, 2, 3)
        expected = run(reference, x)
    layer = LAYERS[name]()
    layer.load_state_dict(reference.state_dict())
    for ours, other in zip(run(layer, x.to(device)), expected, strict=True):
        assert ours.device is device
        assert_close(ours.detach(), other.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_the_future_does_not_matter(device):
    agrad.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    x = agrad.randn(1, 6, 4)
    changed = agrad.concat([x[:, :3], agrad.randn(1, 3, 4)], axis=1)
    assert_close(layer(x, is_causal=True)[:, :3], layer(changed, is_causal=True)[:, :3].detach().numpy(), atol=1e-5)


def test_a_module_as_activation_comes_last():
    layer = nn.TransformerEncoderLayer(4, 2, 8, activation=nn.PReLU())
    assert list(layer.state_dict())[-1] == "activation.weight"
    assert list(layer.parameters())[-1] is layer.activation.weight
    assert layer(agrad.ones((3, 4))).shape == (3, 4)


def test_dropout_between_layers_only_while_training(device):
    agrad.manual_seed(0)
    layer = nn.LSTM(3, 4, num_layers=2, dropout=0.5)
    x = agrad.ones((5, 2, 3))
    assert layer(x)[0].tolist() != layer(x)[0].tolist()
    layer.eval()
    assert layer(x)[0].tolist() == layer(x)[0].tolist()


def test_a_query_that_may_look_at_nothing_gets_zeros(device):
    x = agrad.ones((2, 3), requires_grad=True)
    out = F.scaled_dot_product_attention(x, x, x, agrad.asarray([[True, True], [False, False]]))
    assert out.tolist() == [[1.0] * 3, [0.0] * 3]
    out.sum().backward()
    assert_close(x.grad, [[0.5] * 3] * 2, rtol=1e-6)


def test_a_query_that_nothing_is_added_for_gets_zeros(device):
    x = agrad.ones((2, 3), requires_grad=True)
    mask = agrad.asarray([[-math.inf] * 2, [0.0, 0.0]], requires_grad=True)
    out = F.scaled_dot_product_attention(x, x, x, mask)
    assert out.tolist() == [[0.0] * 3, [1.0] * 3]
    out.sum().backward()
    assert_close(x.grad, [[0.5] * 3] * 2, rtol=1e-6)
    assert mask.grad.tolist() == [[0.0] * 2] * 2


def test_padding_before_a_sequence_leaves_the_gradients_finite(device):
    agrad.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    x = agrad.randn(2, 3, 4, requires_grad=True)
    causal = agrad.asarray([[0.0, -math.inf, -math.inf], [0.0, 0.0, -math.inf], [0.0, 0.0, 0.0]])
    padding = agrad.asarray([[True, True, False], [False, False, False]])
    out = layer(x, causal, padding)
    assert_close(out, layer(x, causal == -math.inf, padding).detach().numpy(), rtol=1e-6)
    out.sum().backward()
    assert agrad.all(agrad.isfinite(x.grad)).item()
    assert all(agrad.all(agrad.isfinite(p.grad)).item() for p in layer.parameters())


def test_masks_of_integers_are_refused(device):
    x = agrad.ones((2, 3))
    mask = agrad.asarray([[1, 0], [1, 1]])
    attention = nn.MultiheadAttention(3, 1)
    for call in (
        lambda: F.scaled_dot_product_attention(x, x, x, mask),
        lambda: attention(x, x, x, attn_mask=mask),
        lambda: attention(x, x, x, key_padding_mask=mask[0]),
    ):
        with pytest.raises(TypeError, match=r"mask must be boolean.*agrad.int64.*astype\(bool\)"):
            call()


def test_masks_of_wrong_shapes_are_named(device):
    x = agrad.ones((2, 5, 3))
    attention = nn.MultiheadAttention(3, 1, batch_first=True)
    with pytest.raises(ValueError, match=r"a mask must broadcast to .*\(2, 5, 5\); it has \(4, 5\)"):
        F.scaled_dot_product_attention(x, x, x, agrad.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"key_padding_mask must have shape \(2, 5\), not \(5, 2\)"):
        attention(x, x, x, key_padding_mask=agrad.zeros((5, 2)))
    with pytest.raises(ValueError, match=r"attn_mask must have shape \(5, 5\) or \(2, 5, 5\), not \(5,\)"):
        attention(x, x, x, attn_mask=agrad.zeros(5))


def test_masks_may_be_lists(device):
    x = agrad.ones((2, 3))
    assert nn.MultiheadAttention(3, 1)(x, x, x, key_padding_mask=[True, False])[1].tolist() == [[0.0, 1.0]] * 2


def test_attention_dropout(device):
    agrad.manual_seed(0)
    x = agrad.ones((50, 4))
    out = F.scaled_dot_product_attention(x, x, x, dropout_p=0.5)
    assert out.std().item() > 0.01
    assert abs(out.mean().item() - 1) < 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: nn.LSTM(4, 2)(x), r"\(length, batch, 4\)"),
        (lambda x: nn.GRU(3, 2)(x, agrad.ones((1, 5, 2))), r"initial state must have shape \(1, 2, 2\)"),
        (lambda x: nn.GRU(3, 2)(x[:0]), "one element"),
        (lambda x: nn.RNN(3, 2, nonlinearity="gelu"), "nonlinearity must be"),
        (lambda x: nn.LSTM(3, 0), "hidden_size must be 1 or more, not 0"),
        (lambda x: nn.LSTM(3, 2, dropout=2.0), "dropout must be from 0 to 1"),
        (lambda x: nn.MultiheadAttention(3, 2), "num_heads=2 must divide"),
        (lambda x: nn.MultiheadAttention(3, 1)(x, x[0], x), "a batch axis, or none"),
        (lambda x: nn.TransformerEncoderLayer(3, 1, activation="tanh"), "activation must be"),
        (lambda x: F.scaled_dot_product_attention(x, x[..., :2], x), "same number of features"),
        (lambda x: F.scaled_dot_product_attention(x, x, x, agrad.ones((2, 2)), is_causal=True), "were both given"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(agrad.ones((5, 2, 3)))
