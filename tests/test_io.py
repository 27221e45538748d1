"""save and load: what comes back, what is refused, and what a failure leaves behind."""

import json
import math
import os
import tracemalloc
from collections import OrderedDict
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agrad
from agrad import nn, optim
from agrad.testing import assert_close

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def again(state, path, **settings):
    agrad.save(state, path)
    return agrad.load(path, **settings)


def supports(device, dtype):
    return hasattr(device.xp, dtype) and (device.backend.supports_float64 or dtype not in ("float64", "complex128"))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (3,), (2, 3)], ids=str)
def test_tensors_of_every_dtype_and_shape(device, path, dtype, shape):
    if not supports(device, dtype):
        pytest.skip(f"{device} has no {dtype}")
    values = np.arange(math.prod(shape)).reshape(shape) % 3 + (0.5j if "complex" in dtype else 0)
    x = agrad.asarray(values.astype(dtype), device=device)
    (loaded,) = again([x], path)
    assert (loaded.dtype, loaded.shape, loaded.device) == (x.dtype, x.shape, device)
    assert loaded.tolist() == x.tolist()
    assert not loaded.requires_grad


def test_bfloat16(path):
    pytest.importorskip("torch")
    x = agrad.asarray([1.0, -3.0], dtype="bfloat16", device="torch")
    agrad.save({"x": x}, path)
    assert agrad.load(path, "torch")["x"].dtype is agrad.bfloat16
    loaded = agrad.load(path, "cpu")["x"]
    assert (loaded.dtype, loaded.tolist()) == (agrad.float32, [1.0, -3.0])


@pytest.mark.parametrize(
    "state",
    [
        None, True, 3, 2**200, -0.0, 1e-300, "text", "", [], (), {}, [1, [2.5, (None, "x")], {}],
        {"epoch": 3, "done": False, "nested": {"a": {"b": [1]}}}, {0: "int", "0": "str", None: 1, 1.5: 2},
    ],
    ids=repr,
)  # fmt: skip
def test_numbers_strings_and_structure(path, state):
    loaded = again(state, path)
    assert loaded == state
    assert repr(loaded) == repr(state)


def test_floats_that_are_no_numbers(path):
    inf, minus, nan = again([math.inf, -math.inf, math.nan], path)
    assert (inf, minus) == (math.inf, -math.inf)
    assert math.isnan(nan)


def test_kinds_of_mappings_and_numpy_scalars_become_pythons(path):
    loaded = again(OrderedDict(a=np.float32(0.5), b=np.int64(3), c=np.bool_(True)), path)
    assert loaded == {"a": 0.5, "b": 3, "c": True}
    assert [type(value) for value in loaded.values()] == [float, int, bool]


def test_a_whole_checkpoint(device, path):
    agrad.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def train(net, optimizer):
        optimizer.zero_grad()
        net(agrad.rand(4, 2)).sum().backward()
        optimizer.step()

    train(net, optimizer)
    state = {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    agrad.save({**state, "random": agrad.random.get_state()}, path)
    train(net, optimizer)

    loaded = agrad.load(path)
    other = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    resumed = optim.SGD(other.parameters(), lr=5.0)
    other.load_state_dict(loaded["model"])
    resumed.load_state_dict(loaded["optimizer"])
    agrad.random.set_state(loaded["random"])
    train(other, resumed)
    assert loaded["epoch"] == 3
    for mine, theirs in zip(other.parameters(), net.parameters(), strict=True):
        assert_close(mine, theirs, rtol=0, atol=0)


def test_tracked_transposed_and_sliced_tensors(device, path):
    x = agrad.reshape(agrad.arange(6, dtype=agrad.float32), (2, 3))
    p = agrad.tensor(x, requires_grad=True)
    loaded = again([x.T, x[:, 1], p, p * 2.0], path)
    assert [y.tolist() for y in loaded] == [x.T.tolist(), [1.0, 4.0], x.tolist(), (x * 2.0).tolist()]


def test_what_is_shared_is_stored_once(path):
    x = agrad.ones(1000)
    a, b, c = again([x, x.detach(), agrad.ones(1000)], path)
    assert a is b
    assert a is not c
    assert os.path.getsize(path) < 9000


def test_names_that_meet_are_told_apart(path):
    state = {"a.b": agrad.zeros(1), "a": {"b": agrad.ones(1)}, "__metadata__": agrad.ones(2), "": agrad.ones(3)}
    loaded = again(state, path)
    assert loaded["a.b"].tolist() == [0.0]
    assert loaded["a"]["b"].tolist() == [1.0]
    assert (loaded["__metadata__"].shape, loaded[""].shape) == ((2,), (3,))
    assert again(agrad.ones(2), path).tolist() == [1.0, 1.0]


def test_loading_to_a_device(path):
    agrad.save({"x": agrad.ones(2)}, path)
    assert agrad.load(path, device="strict:device1")["x"].device.name == "strict:device1"
    with agrad.Device("strict"):
        assert agrad.load(path)["x"].device.name == "strict"
    with pytest.raises(ValueError, match="unknown device"):
        agrad.load(path, device="abacus")


def test_loaded_tensors_can_be_written(device, path):
    (x,) = again([agrad.zeros(2)], path)
    x += 1.0
    assert x.tolist() == [1.0, 1.0]


# Other programs' files


def test_other_programs_read_the_tensors(path):
    from safetensors.numpy import load_file

    agrad.save(nn.Linear(2, 1).state_dict(), path)
    found = load_file(path)
    assert {name: array.shape for name, array in found.items()} == {"weight": (1, 2), "bias": (1,)}


def test_a_file_from_elsewhere_is_a_flat_dict(device, path):
    from safetensors.numpy import save_file

    save_file({"a.b": np.ones((2, 1), np.float32), "c": np.arange(3)}, path, {"format": "np"})
    loaded = agrad.load(path)
    assert set(loaded) == {"a.b", "c"}
    assert loaded["a.b"].tolist() == [[1.0], [1.0]]
    assert loaded["c"].device is device


def raw(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_bfloat16_and_complex_from_elsewhere(path):
    entry = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
    path.write_bytes(raw({"x": entry}, b"\x80\x3f\x40\xc0"))
    assert agrad.load(path)["x"].tolist() == [1.0, -3.0]
    path.write_bytes(raw({"z": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}}, np.complex64(1 + 2j).tobytes()))
    assert agrad.load(path)["z"].tolist() == [1 + 2j]


def test_what_elsewhere_was_left_out_as_shared_is_found_by_its_names(path):
    metadata = {"format": "c", "out.weight": "emb.weight", "emb.weight": "c"}  # as safetensors' save_model writes it
    entries = {"emb.weight": X, "c": {**X, "data_offsets": [8, 16]}}
    path.write_bytes(raw({"__metadata__": metadata, **entries}, b"\0" * 16))
    loaded = agrad.load(path)
    assert sorted(loaded) == ["c", "emb.weight", "out.weight"]
    assert loaded["out.weight"] is loaded["emb.weight"]
    assert loaded["emb.weight"] is not loaded["c"]


def test_metadata_may_be_null(path):
    path.write_bytes(raw({"__metadata__": None, "x": X}, b"\0" * 8))
    assert agrad.load(path)["x"].tolist() == [0.0, 0.0]


def test_complex64_is_safetensors_own(path):
    from safetensors.numpy import load_file

    agrad.save({"z": agrad.asarray([1 + 2j], dtype="complex64")}, path)
    assert load_file(path)["z"].tolist() == [1 + 2j]


def test_pairs_of_reals_are_read_as_complex_numbers(path):
    text = '{"version": 1, "state": {"tensor": "z", "dtype": "complex64"}}'
    entry = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
    path.write_bytes(raw({"__metadata__": {"agrad": text}, "z": entry}, np.complex64(1 + 2j).tobytes()))
    assert agrad.load(path).tolist() == [1 + 2j]


# What is refused


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ({"a": [1, {2}]}, "'a.1', a set"),
        ({"model": nn.Linear(1, 1)}, r"'model', a Linear.*state_dict\(\)"),
        ({"x": np.ones(2)}, r"'x', a ndarray.*agrad.asarray"),
        (object(), "this, a object"),
        ({"a": {(1, 2): 3}}, r"'a': its key \(1, 2\)"),
        ([1j], "complex"),
    ],
    ids=["a set", "a module", "an array", "an object", "a tuple as key", "a complex number"],
)
def test_what_cannot_be_saved_is_named(path, state, shown):
    with pytest.raises(TypeError, match=shown):
        agrad.save(state, path)
    assert os.listdir(path.parent) == []


def test_a_state_that_contains_itself(path):
    state = []
    state.append(state)
    with pytest.raises(ValueError, match="contain itself"):
        agrad.save(state, path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing.safetensors"):
        agrad.load(tmp_path / "nothing.safetensors")


def damaged(content):
    yield "empty", b""
    yield "short", content[:5]
    yield "cut in the header", content[:40]
    yield "cut in the data", content[:-1]
    yield "too long", content + b"0"
    yield "text", b"this is not a checkpoint at all"
    yield "pickle", b"\x80\x04cos\nsystem\n(S'true'\ntR."
    yield "zip", b"PK\x03\x04" + b"\0" * 100
    yield "huge header", b"\xff" * 64
    yield "no json", (3).to_bytes(8, "little") + b"abc"


def test_damaged_files_are_named(path):
    agrad.save({"x": agrad.ones(4), "n": 1}, path)
    for kind, content in damaged(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError) as caught:
            agrad.load(path)
        assert str(path) in str(caught.value), kind


def test_a_flipped_bit_in_the_data_is_noticed(path):
    agrad.save({"x": agrad.arange(4.0), "n": 1, "y": agrad.asarray(1j), "z": agrad.zeros((0, 2))}, path)
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    for place in range(begin, len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ValueError, match="not what was saved"):
            agrad.load(path)


X = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "3", "null", "{}", '{"version": 2, "state": 1}', '{"version": 1}',
        '{"version": 1, "state": {"tensor": "y"}}', '{"version": 1, "state": {"tensor": ["x"]}}',
        '{"version": 1, "state": {"tensor": "x", "dtype": "complex128"}}',
        '{"version": 1, "state": {"tensor": "x", "dtype": []}}',
        '{"version": 1, "state": {"tensor": "i", "dtype": "complex64"}}',
        '{"version": 1, "state": {"eval": ["1"]}}', '{"version": 1, "state": {"list": 3}}',
        '{"version": 1, "state": {"dict": [[[], 1]]}}', '{"version": 1, "state": {"dict": [1]}}',
        '{"version": 1, "state": {"list": [], "dict": []}}', '{"version": 1, "state": [1]}',
        '{"version": 1, "state": ' + '{"list": [' * 50_000 + "]}" * 50_000 + "}",
        '{"version": 1, "state": ' + "9" * 10_000 + "}",
    ],
    ids=lambda text: text[:60],
)  # fmt: skip
def test_hostile_structure_is_refused(path, text):
    path.write_bytes(
        raw({"__metadata__": {"agrad": text}, "x": X, "i": {**X, "dtype": "I32", "data_offsets": [8, 16]}}, b"\0" * 16)
    )
    with pytest.raises(ValueError, match=r"state.safetensors"):
        agrad.load(path)


def test_a_dtype_that_agrad_lacks(path):
    path.write_bytes(raw({"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}, b"\0\0"))
    with pytest.raises(ValueError, match="F8_E4M3"):
        agrad.load(path)


FORGED = {
    "a header of a petabyte": (2**50).to_bytes(8, "little") + b"{}" + b" " * 100,
    "a header as long as 64 bits allow": b"\xff" * 8 + b"{}" + b" " * 100,
    "a tensor of terabytes": lambda: raw({"x": {**X, "shape": [2**40], "data_offsets": [0, 2**42]}}, b"\0" * 8),
    "a shape larger than its data": lambda: raw({"x": {**X, "shape": [2**40]}}, b"\0" * 8),
    "a shape that overflows": lambda: raw({"x": {**X, "shape": [2**62, 8]}}, b"\0" * 8),
    "tensors in the same place": lambda: raw({"x": X, "y": X}, b"\0" * 8),
    "data before its beginning": lambda: raw({"x": {**X, "data_offsets": [-8, 0]}}, b"\0" * 8),
    "a header that is nested deeply": lambda: raw(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED.keys())
def test_a_forged_header_costs_no_memory(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content())
    agrad.save(1, path.with_name("other"))  # what is imported at the first call does not count
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"state.safetensors"):
            agrad.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.property
@settings(max_examples=300)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255), cut=st.none() | st.integers(0, 10**6))
def test_any_damage_is_a_clear_error_or_none(tmp_path_factory, place, value, cut):
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    state = {"x": agrad.ones((2, 3)), "z": agrad.asarray([1j]), "list": [1, None, (True, "a")], "n": {0: 0.5}}
    agrad.save(state, path)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content if cut is None else content[: cut % len(content)])
    with suppress(ValueError):
        agrad.load(path)


# Paths


def test_paths_of_bytes(path):
    agrad.save({"epoch": 1}, os.fsencode(path))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert agrad.load(os.fsencode(path)) == {"epoch": 1}
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^'.*state\.safetensors' is no safetensors file"):
        agrad.load(os.fsencode(path))


@pytest.mark.parametrize("wrong", [3, None])
def test_a_path_is_needed(wrong):
    with pytest.raises(TypeError, match="PathLike"):
        agrad.save({}, wrong)
    with pytest.raises(TypeError, match="PathLike"):
        agrad.load(wrong)
