"""Damaged checkpoints: each is an error that names the file, or loads as if it were whole."""

import base64
import json
import random
import tracemalloc

import numpy as np
import pytest

import agrad

X = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
INTEGERS = {**X, "dtype": "I32", "data_offsets": [8, 16]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def raw(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def checkpoint():
    weight = agrad.asarray([[1.0, -2.0], [0.5, 3.0]])
    return {
        "model": {"weight": weight, "tied": weight, "bias": agrad.asarray([1j]), "none": agrad.zeros((0, 2))},
        "optimizer": [agrad.asarray([[1.0, 0.5], [2.0, 3.0]]), {0: (0.9, True)}],
        "lr": 0.125,
        "epoch": 3,
        "name": "run é",
    }


def told(state):
    """Return a text that differs for states that differ."""
    if isinstance(state, agrad.Tensor):
        return f"{state.dtype} {state.shape} {state.tolist()!r}"
    if isinstance(state, dict):
        return f"{{{', '.join(f'{key!r}: {told(x)}' for key, x in state.items())}}}"
    if isinstance(state, (list, tuple)):
        return f"{type(state).__name__}({', '.join(map(told, state))})"
    return repr(state)


def loaded(path, content):
    """Return what a file of some content loads as, None if that is an error that names the file."""
    path.unlink(missing_ok=True)  # some file systems wait for the disk when a file is written over
    path.write_bytes(content)
    try:
        return told(agrad.load(path))
    except ValueError as error:
        if str(path) not in str(error):
            raise
        return None


# All of the file is covered by the checksum


@pytest.mark.parametrize("state", [checkpoint(), agrad.ones(2), 3], ids=["a checkpoint", "a Tensor", "a number"])
def test_each_flipped_bit_is_noticed(path, state):
    agrad.save(state, path)
    content = path.read_bytes()
    assert loaded(path, content) == told(state)
    flipped = bytearray(content)
    for bit in range(8 * len(content)):
        flipped[bit // 8] ^= 1 << bit % 8
        assert loaded(path, flipped) is None, f"bit {bit % 8} of byte {bit // 8}: {content[bit // 8 - 20 :][:40]}"
        flipped[bit // 8] = content[bit // 8]


def damages(content, count):
    """Yield a file that is damaged in some ways at random."""
    draw = random.Random(0)
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(draw.choice([1, 1, 2, 3])):
            _damage(damaged, draw)
        yield damaged


def _damage(content, draw):
    place, length = draw.randrange(len(content) + 1), draw.choice([1, 1, 2, 4, 8, 40])
    block, other = content[place : place + length], draw.randrange(len(content) + 1)
    kind = draw.choice(["flip", "set", "cut", "delete", "insert", "repeat", "zero", "swap", "digit"])
    if kind == "flip" and block:
        content[place] ^= 1 << draw.randrange(8)
    elif kind == "set":
        content[place : place + length] = draw.randbytes(len(block))
    elif kind == "cut":
        del content[place:]
    elif kind == "delete":
        del content[place : place + length]
    elif kind == "insert":
        content[place:place] = draw.choice([b" ", b"\0", b'"', b"{", b"}", b",", draw.randbytes(length)])
    elif kind == "repeat":
        content[other:other] = block
    elif kind == "zero":
        content[place : place + length] = bytes(len(block))
    elif kind == "swap":
        content[place : place + length], content[other : other + length] = content[other : other + length], block
    elif kind == "digit" and block[:1].isdigit():
        content[place] = draw.choice(b"0123456789")


def test_random_damages_are_noticed(path):
    agrad.save(checkpoint(), path)
    content = path.read_bytes()
    whole = loaded(path, content)
    unchanged = 0
    for damaged in damages(content, 4000):
        found = loaded(path, damaged)
        assert found in (None, whole), bytes(damaged)
        unchanged += found is not None
    assert unchanged < 1000  # some damages change nothing


def header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def structure(change):
    """Return a change of the header that changes the structure in it."""

    def edit(header):
        described = json.loads(header["__metadata__"]["agrad"])
        change(described)
        header["__metadata__"]["agrad"] = json.dumps(described)

    return edit


def rename(entries, old, new):
    items = [(new if name == old else name, value) for name, value in entries.items()]
    entries.clear()
    entries.update(items)


EDITS = {
    "no checksum": lambda h: h["__metadata__"].pop("agrad.crc32"),
    "a checksum of another name": lambda h: rename(h["__metadata__"], "agrad.crc32", "agrad.crc33"),
    "a checksum of no name": lambda h: rename(h["__metadata__"], "agrad.crc32", ""),
    "an empty checksum": lambda h: h["__metadata__"].update({"agrad.crc32": ""}),
    "a checksum of zeros": lambda h: h["__metadata__"].update({"agrad.crc32": "00000000"}),
    "the checksum at another place": lambda h: h["__metadata__"].update(agrad=h["__metadata__"].pop("agrad")) or rename(
        h["__metadata__"], "agrad.crc32", "agrad.crc32 "
    ),
    "no structure": lambda h: h["__metadata__"].pop("agrad"),
    "a structure of another name": lambda h: rename(h["__metadata__"], "agrad", "agrae"),
    "more metadata": lambda h: h["__metadata__"].update(format="pt"),
    "the version before": structure(lambda s: s.update(version=1)),
    "another version": structure(lambda s: s.update(version=3)),
    "another number": structure(lambda s: s.update(state=3)),
    "another name of a tensor": lambda h: rename(h, "model.bias", "model.bia"),
    "another dtype": lambda h: h["optimizer.0"].update(dtype="I32"),
    "another shape": lambda h: h["optimizer.0"].update(shape=[4]),
    "tensors swapped": lambda h: h.update({"optimizer.0": h["model.weight"], "model.weight": h["optimizer.0"]}),
    "no metadata but for the checksum": lambda h: h.update(__metadata__={"agrad.crc32": "00000000"}),
}  # fmt: skip


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["dense", "spaced"])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_no_edit_of_the_header_switches_the_check_off(path, edit, separators):
    agrad.save(checkpoint(), path)
    header, data = header_of(path.read_bytes())
    edit(header)
    path.write_bytes(raw(json.dumps(header, separators=separators).encode(), data))
    with pytest.raises(ValueError, match=r"state\.safetensors.* (damaged|another version)"):
        agrad.load(path)


def test_what_another_program_has_written_anew(path):
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    agrad.save(checkpoint(), path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    save_file({**load_file(path), "more": np.ones(2)}, path, metadata)
    with pytest.raises(ValueError, match="another program rewrote it"):
        agrad.load(path)
    save_file(load_file(path), path)
    assert "model.weight" in agrad.load(path)


# Files of version 1, which have a checksum of their data alone


FIRST = base64.b64decode(
    b"eAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJhZ3JhZCI6IntcInZlcnNpb25cIjogMSwgXCJzdGF0ZVwiOiB7XCJkaWN0XCI6IFtbXCJ3XCIs"
    b"IHtcInRlbnNvclwiOiBcIndcIn1dLCBbXCJ6XCIsIHtcInRlbnNvclwiOiBcInpcIiwgXCJkdHlwZVwiOiBcImNvbXBsZXgxMjhcIn1dLCBb"
    b"XCJsclwiLCAwLjEyNV0sIFtcIm5cIiwge1wiZGljdFwiOiBbWzAsIHtcInR1cGxlXCI6IFt0cnVlLCBcIlxcdTAwZmNcIl19XV19XV19LCBc"
    b"ImNyYzMyXCI6IDMzMzA4OTg5ODB9In0sInoiOnsiZHR5cGUiOiJGNjQiLCJzaGFwZSI6WzEsMl0sImRhdGFfb2Zmc2V0cyI6WzAsMTZdfSwi"
    b"dyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzE2LDI0XX19ICAgICAgAAAAAAAA8D8AAAAAAAAAQAAAwD8A"
    b"AADA"
)


def test_a_file_of_version_1(path):
    path.write_bytes(FIRST)
    state = {"w": agrad.asarray([1.5, -2.0]), "z": agrad.asarray([1 + 2j], dtype="complex128"), "lr": 0.125}
    assert told(agrad.load(path)) == told({**state, "n": {0: (True, "ü")}})


def test_the_data_of_a_file_of_version_1_is_checked(path):
    for place in range(8 + int.from_bytes(FIRST[:8], "little"), len(FIRST)):
        assert loaded(path, FIRST[:place] + bytes([FIRST[place] ^ 1]) + FIRST[place + 1 :]) is None
    assert b'\\"crc32\\": 3' in FIRST
    assert loaded(path, FIRST.replace(b'\\"crc32\\": 3', b'\\"crc32\\": 2')) is None


def test_files_that_are_not_covered_load_or_are_refused(path):
    elsewhere = raw({"__metadata__": {"format": "pt", "y": "x"}, "x": X, "i": INTEGERS}, b"\0" * 16)
    for content in (FIRST, elsewhere):
        outcomes = {loaded(path, damaged) is None for damaged in damages(content, 1500)}
        assert outcomes == {True, False}


# What is no file of tensors


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
        assert loaded(path, content) is None, kind


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
    path.write_bytes(raw({"__metadata__": {"agrad": text}, "x": X, "i": INTEGERS}, b"\0" * 16))
    with pytest.raises(ValueError, match=r"state.safetensors"):
        agrad.load(path)


def test_a_dtype_that_agrad_lacks(path):
    path.write_bytes(raw({"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}, b"\0\0"))
    with pytest.raises(ValueError, match=r"can read: it has a tensor of dtype F8_E4M3, which agrad does not"):
        agrad.load(path)


@pytest.mark.parametrize("again", ['"x": {}, "x": {}', '"__metadata__": {"a": "1", "a": "2"}, "x": {}'])
def test_names_that_occur_twice_are_refused(path, again):
    path.write_bytes(raw(f"{{{again.replace('{}', json.dumps(X))}}}".encode(), b"\0" * 8))
    with pytest.raises(ValueError, match=r"state\.safetensors.*'[xa]' occurs twice"):
        agrad.load(path)


FORGED = {
    "a header of a petabyte": (2**50).to_bytes(8, "little") + b"{}" + b" " * 100,
    "a header as long as 64 bits allow": b"\xff" * 8 + b"{}" + b" " * 100,
    "a tensor of terabytes": lambda: raw({"x": {**X, "shape": [2**40], "data_offsets": [0, 2**42]}}, b"\0" * 8),
    "a shape larger than its data": lambda: raw({"x": {**X, "shape": [2**40]}}, b"\0" * 8),
    "a shape that overflows": lambda: raw({"x": {**X, "shape": [2**62, 8]}}, b"\0" * 8),
    "no elements in many rows": lambda: raw({"x": {**X, "shape": [2**63, 0], "data_offsets": [0, 0]}}),
    "more axes than arrays have": lambda: raw({"x": {**X, "shape": [1] * 70 + [2]}}, b"\0" * 8),
    "tensors in the same place": lambda: raw({"x": X, "y": X}, b"\0" * 8),
    "data before its beginning": lambda: raw({"x": {**X, "data_offsets": [-8, 0]}}, b"\0" * 8),
    "a header that is nested deeply": lambda: raw(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
}


@pytest.mark.parametrize("content", FORGED.values(), ids=FORGED.keys())
def test_a_forged_header_costs_no_memory(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content())
    other = path.with_name("other")
    agrad.save(agrad.ones(1), other)
    agrad.load(other)  # what is imported at the first call does not count
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"state.safetensors"):
            agrad.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
