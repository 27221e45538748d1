"""save and load: what comes back, and what is refused."""

import json
import math
import os
from collections import OrderedDict

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.io import serialization
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
        {True: 1, 0: 2}, {1: 1, False: 2}, {1.0: [0, False, 0.0]}, -(2**64), "é 日 😀 \0 \" \\ \n", {"": {"": ""}},
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
    loaded = again(OrderedDict(a=np.float32(0.5), b=np.int64(3), c=np.bool_(True), d=np.str_("text")), path)
    assert loaded == {"a": 0.5, "b": 3, "c": True, "d": "text"}
    assert [type(value) for value in loaded.values()] == [float, int, bool, str]
    loaded = again({np.int64(3): 1, np.float32(0.5): 2, np.bool_(True): 3}, path)
    assert loaded == {3: 1, 0.5: 2, True: 3}
    assert [type(key) for key in loaded] == [int, float, bool]


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


def test_tensors_lie_at_multiples_of_their_elements(path):
    dtypes = [dtype for dtype in DTYPES if hasattr(np, dtype)]
    agrad.save([agrad.asarray(np.ones(3, dtype), device="cpu") for dtype in dtypes], path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    del entries["__metadata__"]
    assert len(entries) == len(dtypes)
    assert length % 8 == 0
    for entry in entries.values():
        begin, end = entry["data_offsets"]
        assert begin % ((end - begin) // math.prod(entry["shape"])) == 0


def test_a_file_from_elsewhere_is_a_flat_dict(device, path):
    from safetensors.numpy import save_file

    save_file({"a.b": np.ones((2, 1), np.float32), "c": np.arange(3)}, path, {"format": "np"})
    loaded = agrad.load(path)
    assert set(loaded) == {"a.b", "c"}
    assert loaded["a.b"].tolist() == [[1.0], [1.0]]
    assert loaded["c"].device is device


X = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


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


def sharded(folder, weight_map):
    """Write two files and an index, as of a model of Hugging Face's, and return the index."""
    for file, name in (("model-00001-of-00002.safetensors", "a"), ("model-00002-of-00002.safetensors", "b.c")):
        (folder / file).write_bytes(raw({"__metadata__": {"format": "pt"}, name: X}, np.float32([1, 2]).tobytes()))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 16}, "weight_map": weight_map}, indent=2))
    return index


def test_a_model_in_several_files(tmp_path, device):
    index = sharded(tmp_path, {"a": "model-00001-of-00002.safetensors", "b.c": "model-00002-of-00002.safetensors"})
    loaded = agrad.load(index)
    assert {name: x.tolist() for name, x in loaded.items()} == {"a": [1.0, 2.0], "b.c": [1.0, 2.0]}
    assert {x.device for x in loaded.values()} == {device}


@pytest.mark.parametrize(
    ("weight_map", "error", "says"),
    [
        ({"a": "model-00002-of-00002.safetensors"}, ValueError, r"lists 'a' in 'model-00002.*', where it is not"),
        ({"a": "model-3.safetensors"}, FileNotFoundError, "model-3.safetensors"),
        ({"a": "../x.safetensors"}, ValueError, r"lists '\.\./x\.safetensors' for 'a'; an index lists files of"),
        ({"a": "model.safetensors.index.json"}, ValueError, "is not a safetensors file, or it is damaged"),
        ({"a": 3}, ValueError, "lists 3 for 'a'"),
        ([], ValueError, "is JSON, and has no entry 'weight_map'"),
    ],
)
def test_an_index_that_leads_nowhere(tmp_path, weight_map, error, says):
    with pytest.raises(error, match=says):
        agrad.load(sharded(tmp_path, weight_map))


def test_files_of_other_formats_are_named(tmp_path):
    file = tmp_path / "weights"
    with file.open("wb") as opened:
        np.savez(opened, x=np.ones(2))
    with pytest.raises(ValueError, match=r"'.*weights' is not a safetensors file: it is a zip archive, as torch\.save"):
        agrad.load(file)
    with file.open("wb") as opened:
        np.save(opened, np.ones(2))
    with pytest.raises(ValueError, match=r"write agrad\.asarray\(numpy\.load\(path\)\)"):
        agrad.load(file)
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    with pytest.raises(ValueError, match="run git lfs pull"):
        agrad.load(file)


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
        ({"a": [{2}]}, r"'a.0', a set.*write list\(x\)"),
        ({"model": nn.Linear(1, 1)}, r"'model', a Linear.*write x.state_dict\(\)"),
        ({"x": np.ones(2)}, r"'x', a ndarray.*write agrad.asarray"),
        (object(), "this, a object.*write str"),
        ({"a": {(1, 2): 3}}, r"'a': its key \(1, 2\).*write str\(key\)"),
        ({"a": {b"n": 3}}, r"'a': its key b'n'.*write key.decode\(\)"),
        ({"a": {np.complex64(1j): 3}}, r"'a': its key 1j"),
        ([1j], "'0', a complex.*write agrad.asarray"),
        ([b"n"], r"'0', a bytes.*write x.hex\(\)"),
        ([np.longdouble(1)], r"'0', a (longdouble|float128).*write float\(x\)"),
    ],
    ids=[
        "a set", "a set in a list", "a module", "an array", "an object", "a tuple as key", "bytes as key",
        "a complex number as key", "a complex number", "bytes", "a number without a counterpart in Python",
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_named(path, state, shown):
    with pytest.raises(TypeError, match=shown):
        agrad.save(state, path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"k": 10**5000}, "the entry 'k'"),
        ({"k": [-(10**5000)]}, r"the entry 'k\.0'"),
        ({"k": {10**5000: 1}}, "a key of the entry 'k'"),
        (10**5000, "this"),
    ],
    ids=["a value", "a negative one in a list", "a key", "alone"],
)
def test_an_integer_of_more_digits_than_python_writes(path, state, place):
    with pytest.raises(ValueError, match=rf"cannot save {place}, an integer of 16,610 bits: .*, or write hex\(x\)"):
        agrad.save(state, path)
    assert os.listdir(path.parent) == []
    assert again({"k": int("9" * 4300)}, path) == {"k": int("9" * 4300)}


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"k": "\ud800"}, "the entry 'k'"),
        ({"k": ["\ud83d\ude00"]}, r"the entry 'k\.0'"),  # which JSON gives back as one character
        ({"k": {"\udcff": agrad.ones(1)}}, "a key of the entry 'k'"),
        ({"\udcff": 1}, "a key of this"),
    ],
    ids=["a value", "halves of a pair", "a key of a Tensor", "a key of a number"],
)
def test_a_string_that_is_no_text(path, state, place):
    with pytest.raises(ValueError, match=rf"cannot save {place}: '\\ud.* surrogate; write x.encode"):
        agrad.save(state, path)
    assert os.listdir(path.parent) == []


def test_more_numbers_than_a_header_has_room_for(path, monkeypatch):
    monkeypatch.setattr(serialization, "_LONGEST_HEADER", 10_000)
    agrad.save(list(range(1_000)), path)
    with pytest.raises(ValueError, match=r"take 1.,... bytes, .* room for 10,000 .*; write agrad.asarray\(x\)"):
        agrad.save(list(range(2_000)), path)
    assert agrad.load(path) == list(range(1_000))


def test_a_state_that_contains_itself(path):
    state = []
    state.append(state)
    with pytest.raises(ValueError, match="contain itself"):
        agrad.save(state, path)


# Paths


def test_a_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"state.safetensors"):
        agrad.load(path)


def test_paths_of_bytes(path):
    agrad.save({"epoch": 1}, os.fsencode(path))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert agrad.load(os.fsencode(path)) == {"epoch": 1}
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^'.*state\.safetensors' is not a safetensors file"):
        agrad.load(os.fsencode(path))


@pytest.mark.parametrize("wrong", [3, None])
def test_a_path_is_needed(wrong):
    with pytest.raises(TypeError, match="PathLike"):
        agrad.save({}, wrong)
    with pytest.raises(TypeError, match="PathLike"):
        agrad.load(wrong)
