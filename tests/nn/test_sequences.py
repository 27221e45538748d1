"""Recurrent layers and attention on each device, and what they refuse; tests/peers compares them with PyTorch's."""

import math

import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.nn.utils import rnn
from agrad.testing import assert_close

LAYERS = {
    "rnn": lambda: nn.RNN(3, 4, nonlinearity="relu"),
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    "gru": lambda: nn.GRU(3, 4, batch_first=True, bias=False),
    "transformer": lambda: nn.TransformerEncoderLayer(3, 3, 8, dropout=0.0),
    "encoder": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(3, 3, 8, dropout=0.0), 2, nn.LayerNorm(3)),
    "decoder": lambda: ToItself(nn.TransformerDecoder(nn.TransformerDecoderLayer(3, 1, 8, dropout=0.0), 2)),
    "rnn_cell": lambda: EachStep(nn.RNNCell(3, 4, nonlinearity="relu")),
    "lstm_cell": lambda: EachStep(nn.LSTMCell(3, 4, bias=False)),
    "gru_cell": lambda: EachStep(nn.GRUCell(3, 4)),
    "packed": lambda: Packed(nn.LSTM(3, 4, num_layers=2, bidirectional=True), [2, 5]),
    "attention": lambda: Itself(nn.MultiheadAttention(3, 1, batch_first=True)),
}


class Itself(nn.Module):
    """Attention of a sequence to its own past."""

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def forward(self, x):
        return self.attention(x, x, x, is_causal=True)


class ToItself(nn.Module):
    """A decoder that looks at its own input reversed."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, x):
        return self.decoder(x, agrad.flip(x, axis=0), tgt_is_causal=True)


class EachStep(nn.Module):
    """A cell at each step of a sequence."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        state = None
        for element in agrad.unstack(x):
            state = self.cell(element, state)
        return state


class Packed(nn.Module):
    """A recurrent layer of sequences of several lengths."""

    def __init__(self, layer, lengths):
        super().__init__()
        self.layer, self.lengths = layer, lengths

    def forward(self, x):
        packed = rnn.pack_padded_sequence(x, self.lengths, enforce_sorted=False)
        return rnn.pad_packed_sequence(self.layer(packed)[0])


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


def test_a_stack_has_copies(device):
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
    encoder = nn.TransformerEncoder(layer, 2)
    assert encoder.layers[0].linear1.weight.tolist() == encoder.layers[1].linear1.weight.tolist()
    assert not {id(p) for p in encoder.parameters()} & {id(p) for p in layer.parameters()}
    assert len(list(encoder.parameters())) == 2 * len(list(layer.parameters()))
    x = agrad.randn(3, 2, 4)
    assert_close(encoder(x), layer(layer(x)).detach().numpy(), rtol=1e-5, atol=1e-5)
    with pytest.raises(TypeError, match="TransformerEncoder takes a layer to copy, not 8"):
        nn.TransformerEncoder(8, 2)


def test_a_module_as_activation_comes_last():
    layer = nn.TransformerEncoderLayer(4, 2, 8, activation=nn.PReLU())
    assert list(layer.state_dict())[-1] == "activation.weight"
    assert list(layer.parameters())[-1] is layer.activation.weight
    assert layer(agrad.ones((3, 4))).shape == (3, 4)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_packed_sequence_is_as_if_it_were_alone(device, name):
    agrad.manual_seed(0)
    layer = getattr(nn, name)(3, 4, num_layers=2, bidirectional=True)
    sequences = [agrad.randn(n, 3) for n in (2, 5, 1)]
    outputs, last = layer(rnn.pack_sequence(sequences, enforce_sorted=False))
    padded, lengths = rnn.pad_packed_sequence(outputs, padding_value=-7.0)
    assert lengths.tolist() == [2, 5, 1]
    for i, x in enumerate(sequences):
        alone, last_alone = layer(x)
        assert_close(padded[: len(x), i], alone.detach().numpy(), rtol=1e-4, atol=1e-5)
        assert agrad.all(padded[len(x) :, i] == -7.0).item()
        for mine, other in zip(last, last_alone, strict=True) if name == "LSTM" else [(last, last_alone)]:
            assert_close(mine[:, i], other.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_padding_has_no_gradient(device):
    agrad.manual_seed(0)
    x = agrad.randn(4, 2, 3, requires_grad=True)
    outputs, _ = nn.GRU(3, 4)(rnn.pack_padded_sequence(x, agrad.asarray([4, 2])))
    outputs.data.sum().backward()
    assert (x.grad[2:, 1] == 0).all().item()
    assert (x.grad[:2, 1] != 0).all().item()


def test_wrong_packed_sequences_are_refused():
    with pytest.raises(TypeError, match="takes a PackedSequence, not a Tensor"):
        rnn.pad_packed_sequence(agrad.ones((2, 3)))


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
        (lambda x: nn.LSTMCell(3, 2)(x), r"LSTMCell takes .*\(batch, 3\), or without the batch; it has \(5, 2, 3\)"),
        (lambda x: nn.GRUCell(3, 2)(x[0], agrad.ones((1, 2))), r"a state must have shape \(2, 2\).*not \(1, 2\)"),
        (lambda x: nn.RNNCell(3, 2, nonlinearity="gelu"), "nonlinearity must be"),
        (lambda x: rnn.pack_padded_sequence(x, [2, 5]), r"longest first, not \[2, 5\]; or write enforce_sorted=False"),
        (lambda x: rnn.pack_padded_sequence(x, [6, 5]), "a length must be from 1 to 5, not 6"),
        (lambda x: rnn.pack_padded_sequence(x, [5, 0]), "a length must be from 1 to 5, not 0"),
        (lambda x: rnn.pack_padded_sequence(x, [5]), r"there are 2 sequences, and lengths=\[5\]"),
        (
            lambda x: rnn.pad_packed_sequence(rnn.pack_sequence([x, x]), total_length=4),
            "less than the length of .* 5",
        ),
        (lambda x: rnn.pad_sequence([x, x[:, 0]]), "differ in the length only"),
        (lambda x: rnn.pad_sequence([]), r"differ in the length only; they have \[\]"),
        (lambda x: rnn.pad_sequence([x], padding_side="up"), "padding_side must be 'right' or 'left', not 'up'"),
        (lambda x: nn.LSTM(4, 2)(rnn.pack_sequence([x[:, 0]])), r"\(length, batch, 4\).*it has \(5, 1, 3\)"),
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
