"""Recurrent layers and attention beside PyTorch's."""

import numpy as np
import pytest

import agrad
from tests.peers.compare import compare, pair, twins

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


def flat(outputs):
    """Return the outputs and the states of a recurrent layer in one tuple."""
    first, second = outputs
    return (first, *second) if isinstance(second, tuple) else (first, second)


RECURRENT = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"bias": False}),
    ("GRU", {"batch_first": True}),
    ("GRU", {"num_layers": 3, "bidirectional": True}),
]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(5, 2, 3), (4, 3)])
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize(("name", "settings"), RECURRENT)
def test_recurrent_layers(name, settings, with_state, shape, precision):
    ours, theirs = pair(lambda library: getattr(library.nn, name)(3, 4, **settings), precision)
    assert repr(ours) == repr(theirs)
    leaves = [twins(shape, precision)]
    if with_state:
        layers = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
        batch = () if len(shape) == 2 else (shape[0] if settings.get("batch_first") else shape[1],)
        states = [twins((layers, *batch, 4), precision, i + 1) for i in range(2 if name == "LSTM" else 1)]
        leaves += states
        mine, other = (tuple(s) if name == "LSTM" else s[0] for s in zip(*states, strict=True))
        results = ours(leaves[0][0], mine), theirs(leaves[0][1], other)
    else:
        results = ours(leaves[0][0]), theirs(leaves[0][1])
    compare(*map(flat, results), [*leaves, *zip(ours.parameters(), theirs.parameters(), strict=True)], precision)


CELLS = [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu", "bias": False}), ("LSTMCell", {}), ("GRUCell", {})]


@pytest.mark.parametrize("batch", [(2,), ()])
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize(("name", "settings"), [*CELLS, ("LSTMCell", {"bias": False}), ("GRUCell", {"bias": False})])
def test_cells(name, settings, with_state, batch):
    ours, theirs = pair(lambda library: getattr(library.nn, name)(3, 4, **settings))
    assert repr(ours) == repr(theirs)
    leaves = [twins((*batch, size), seed=i) for i, size in enumerate((3, 4, 4)[: 3 if name == "LSTMCell" else 2])]
    (x, *mine), (a, *other) = zip(*leaves, strict=True)
    if not with_state:
        results, leaves = (ours(x), theirs(a)), leaves[:1]
    elif name == "LSTMCell":
        results = ours(x, tuple(mine)), theirs(a, tuple(other))
    else:
        results = ours(x, *mine), theirs(a, *other)
    compare(*results, [*leaves, *zip(ours.parameters(), theirs.parameters(), strict=True)])


def packed(library, x, lengths, batch_first):
    return library.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)


@pytest.mark.parametrize("lengths", [[5, 3, 1], [2, 5, 2], [1, 1, 1], [4, 5, 3]], ids=str)
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize(("name", "settings"), RECURRENT)
def test_packed_sequences(name, settings, with_state, lengths):
    ours, theirs = pair(lambda library: getattr(library.nn, name)(3, 4, **settings))
    batch_first = settings.get("batch_first", False)
    leaves, results = [twins((3, 5, 3) if batch_first else (5, 3, 3))], []
    if with_state:
        layers = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
        leaves += [twins((layers, 3, 4), seed=i + 1) for i in range(2 if name == "LSTM" else 1)]
    for library, layer, (x, *state) in zip((agrad, torch), (ours, theirs), zip(*leaves, strict=True), strict=True):
        hx = [] if not state else [tuple(state) if name == "LSTM" else state[0]]
        outputs, last = layer(packed(library, x, lengths, batch_first), *hx)
        padded, _ = library.nn.utils.rnn.pad_packed_sequence(outputs, batch_first, total_length=6)
        results.append(flat((padded, last)))
    compare(*results, [*leaves, *zip(ours.parameters(), theirs.parameters(), strict=True)])


@pytest.mark.parametrize("settings", [{}, {"batch_first": True, "padding_value": 0.5}], ids=str)
def test_packing(settings):
    rnn, their_rnn = agrad.nn.utils.rnn, torch.nn.utils.rnn
    leaves = [twins((n, 2), seed=n) for n in (2, 4, 1)]
    mine, other = ([pair[side] for pair in leaves] for side in (0, 1))
    compare(rnn.pad_sequence(mine, **settings), their_rnn.pad_sequence(other, **settings), leaves)
    left = {**settings, "padding_side": "left"}
    compare(rnn.pad_sequence(mine, **left), their_rnn.pad_sequence(other, **left))
    ours, theirs = (utils.pack_sequence(xs, enforce_sorted=False) for utils, xs in ((rnn, mine), (their_rnn, other)))
    assert list(ours.batch_sizes) == theirs.batch_sizes.tolist()
    assert ours.sorted_indices.tolist() == theirs.sorted_indices.tolist()
    assert ours.unsorted_indices.tolist() == theirs.unsorted_indices.tolist()
    compare(ours.data, theirs.data)
    results = rnn.pad_packed_sequence(ours, **settings), their_rnn.pad_packed_sequence(theirs, **settings)
    assert results[0][1].tolist() == results[1][1].tolist() == [2, 4, 1]
    compare(results[0][0], results[1][0])


def test_in_evaluation_nothing_is_left_out():
    ours, theirs = pair(lambda library: library.nn.LSTM(3, 4, 2, dropout=0.5).eval())
    x, a = twins((5, 2, 3))
    compare(flat(ours(x)), flat(theirs(a)), [(x, a)])


def masks(name):
    """A mask for 5 queries and 6 keys."""
    random = np.random.default_rng(0)
    values = {"bool": random.random((5, 6)) < 0.7, "float": random.standard_normal((5, 6))}[name]
    return agrad.asarray(values), torch.tensor(values)


@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"scale": 0.3}], ids=str)
@pytest.mark.parametrize("mask", [None, "bool", "float"])
def test_scaled_dot_product_attention(mask, settings):
    if mask and settings.get("is_causal"):
        return
    leaves = [twins(shape, seed=i) for i, shape in enumerate([(2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 7)])]
    ours, theirs = masks(mask) if mask else (None, None)
    mine = agrad.nn.functional.scaled_dot_product_attention(*(x for x, _ in leaves), ours, **settings)
    other = torch.nn.functional.scaled_dot_product_attention(*(a for _, a in leaves), theirs, **settings)
    compare(mine, other, leaves)


def test_a_query_that_may_look_at_nothing():
    leaves = [twins((2, 3, 4), seed=i) for i in range(3)]
    allowed = np.asarray([[True, False, True], [False] * 3, [True] * 3])
    mine = agrad.nn.functional.scaled_dot_product_attention(*(x for x, _ in leaves), agrad.asarray(allowed))
    other = torch.nn.functional.scaled_dot_product_attention(*(a for _, a in leaves), torch.tensor(allowed))
    compare(mine, other, leaves)


def attention(settings, precision="float64"):
    return pair(lambda library: library.nn.MultiheadAttention(8, 2, **settings), precision)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("settings", [{}, {"batch_first": True}, {"bias": False}, {"kdim": 5, "vdim": 6}], ids=str)
@pytest.mark.parametrize("batch", [(3,), ()])
def test_multihead_attention(settings, batch, precision):
    ours, theirs = attention(settings, precision)
    order = (lambda n: (*batch, n)) if settings.get("batch_first") else (lambda n: (n, *batch))
    sizes = [(5, 8), (6, settings.get("kdim", 8)), (6, settings.get("vdim", 8))]
    leaves = [twins((*order(length), size), precision, i) for i, (length, size) in enumerate(sizes)]
    mine, other = ours(*(x for x, _ in leaves)), theirs(*(a for _, a in leaves))
    # The gradient of the keys' bias is 0 but for rounding: it moves all scores of a query alike.
    parameters = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    compare(mine, other, [*leaves, *parameters], precision)


MASKS = [
    ({"attn_mask": "bool"}, {}),
    ({"attn_mask": "float"}, {"average_attn_weights": False}),
    ({"key_padding_mask": "bool"}, {}),
    ({"key_padding_mask": "bool", "attn_mask": "bool"}, {}),
    ({"key_padding_mask": "float", "attn_mask": "float"}, {}),
    ({"attn_mask": "heads"}, {"average_attn_weights": False}),
]


@pytest.mark.parametrize(("kinds", "settings"), MASKS)
def test_masks_of_multihead_attention(kinds, settings):
    random = np.random.default_rng(0)
    ours, theirs = attention({})
    leaves = [twins((length, 3, 8), seed=i) for i, length in enumerate((5, 6, 6))]
    mine, other = {}, {}
    for name, kind in kinds.items():
        shape = (3, 6) if name == "key_padding_mask" else (6, 5, 6) if kind == "heads" else (5, 6)
        values = random.standard_normal(shape) if kind == "float" else random.random(shape) < 0.3
        if kind != "float":
            values[..., 0] = False
        mine[name], other[name] = agrad.asarray(values), torch.tensor(values)
    results = ours(*(x for x, _ in leaves), **mine, **settings), theirs(*(a for _, a in leaves), **other, **settings)
    compare(*results, leaves)


BLOCKS = [
    {},
    {"activation": "gelu", "norm_first": True, "batch_first": True},
    {"bias": False, "layer_norm_eps": 0.1},
]


@pytest.mark.parametrize("settings", BLOCKS, ids=str)
@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_transformer_encoder_layer(settings, is_causal, precision):
    ours, theirs = pair(lambda library: library.nn.TransformerEncoderLayer(8, 2, 16, 0.0, **settings), precision)
    x, a = twins((5, 5, 8), precision)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=a.dtype)
    mine, other = ours(x, is_causal=is_causal), theirs(a, mask if is_causal else None, is_causal=is_causal)
    compare(mine, other, [(x, a), *zip(ours.parameters(), theirs.parameters(), strict=True)], precision)


@pytest.mark.parametrize("settings", BLOCKS, ids=str)
@pytest.mark.parametrize("is_causal", [True, False])
def test_transformer_decoder_layer(settings, is_causal):
    ours, theirs = pair(lambda library: library.nn.TransformerDecoderLayer(8, 2, 16, 0.0, **settings))
    (x, a), (y, b) = twins((5, 5, 8)), twins((5, 5, 8), seed=1)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=a.dtype) if is_causal else None
    padding = np.asarray([[False] * 4 + [True]] * 5)
    mine = ours(x, y, tgt_is_causal=is_causal, memory_key_padding_mask=agrad.asarray(padding))
    other = theirs(a, b, mask, tgt_is_causal=is_causal, memory_key_padding_mask=torch.tensor(padding))
    compare(mine, other, [(x, a), (y, b), *zip(ours.parameters(), theirs.parameters(), strict=True)])


@pytest.mark.parametrize("with_norm", [True, False])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
def test_stacks_of_blocks(with_norm):
    def encoder(library):
        norm = library.nn.LayerNorm(8) if with_norm else None
        return library.nn.TransformerEncoder(library.nn.TransformerEncoderLayer(8, 2, 16, 0.0), 3, norm)

    def decoder(library):
        norm = library.nn.LayerNorm(8) if with_norm else None
        return library.nn.TransformerDecoder(library.nn.TransformerDecoderLayer(8, 2, 16, 0.0), 2, norm)

    (x, a), (y, b) = twins((5, 3, 8)), twins((6, 3, 8), seed=1)
    mask, padding = masks("bool"), np.asarray([[False] * 4 + [True]] * 3)
    ours, theirs = pair(encoder)
    results = (
        layer(z, src_key_padding_mask=library.asarray(padding))
        for layer, z, library in ((ours, x, agrad), (theirs, a, torch))
    )
    compare(*results, [(x, a), *zip(ours.parameters(), theirs.parameters(), strict=True)])
    x.grad = a.grad = None
    ours, theirs = pair(decoder)
    results = ours(x, y, memory_mask=mask[0]), theirs(a, b, memory_mask=mask[1])
    compare(*results, [(x, a), (y, b), *zip(ours.parameters(), theirs.parameters(), strict=True)])
