"""Checkpoints: nested dicts of Tensors, numbers and strings in a safetensors file.

The Tensors are ordinary entries of the file under dotted names, which other programs can read; the structure around
them is JSON in the file's metadata. Nothing in such a file is ever executed.

    8 bytes    the length of the header
    header     JSON, in this order: {"__metadata__":{"agrad.crc32":"8 digits","agrad":"the structure"}, the tensors'
               dtypes, shapes and offsets in the data}
    data       the tensors' bytes, one tensor after the other

The checksum covers all other bytes of the file. Its position is fixed, so that it is compared before anything else is
read. If damage hides it, the version in the structure says that there must be one.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .. import backends
from ..core.device import Device, get_device
from ..core.tensor import Tensor, convert, wrap
from .atomic import replace
from .other_files import format_of, is_index, listed_files

__all__ = ["load", "save"]

_VERSION: Final = 2  # files of version 1 have a checksum of the data alone, in their structure, or none
_CHECKSUM: Final = "agrad.crc32"
_BEGIN: Final = f'{{"__metadata__":{{"{_CHECKSUM}":"'.encode()
_DIGITS: Final = 8 + len(_BEGIN)  # the position in the file of the checksum's 8 digits
_LONGEST_HEADER: Final = 100_000_000  # bytes that safetensors reads
_DAMAGED: Final = "its bytes are not what agrad saved: it is cut short or damaged, or another program rewrote it"
_PLAIN: Final = (bool, int, float, str, type(None))
_REAL_OF: Final = {"complex64": "float32", "complex128": "float64"}  # older files store complex64 as pairs, too
# safetensors' names of dtypes; bfloat16 is read as the upper half of float32.
_DTYPES: Final = {
    "BOOL": "bool", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
    "F16": "float16", "BF16": "uint16", "F32": "float32", "F64": "float64", "C64": "complex64",
}  # fmt: skip
_STORED: Final = {dtype: stored for stored, dtype in _DTYPES.items() if stored != "BF16"}


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Save a nested state to a file, atomically.

    Parameters
    ----------
    state : dict, list, tuple, Tensor, number, str or None
        Nested to any depth; keys of dicts may be strings, numbers or None.
    path : str or path
        Usually ends in ``.safetensors``. An existing file is replaced once the new one is complete, and keeps its
        permissions: if saving fails or is interrupted, the old file is unchanged.

    Raises
    ------
    TypeError
        If the state holds anything else; the message says where.
    ValueError
        If the state contains itself, an integer of more digits than Python converts to text (by default 4,300), a
        string that is not valid Unicode (it has a surrogate), or more than 100 MB of numbers and strings, which is
        safetensors' limit.
    OSError
        If the file cannot be written. The old one is then unchanged.

    Notes
    -----
    A Tensor's device, gradient and graph are not saved. A Tensor that occurs several times is stored once, and
    is one Tensor again when loaded; other readers of safetensors files find it under its first name only. A complex128
    Tensor is stored as pairs of reals, bfloat16 as float32. NumPy scalars become Python numbers.

    The file has a checksum of all its bytes. If another program rewrites it with the same metadata, `load` reports the
    new file as damaged. If both entries of the metadata are renamed or removed, the file is that of another writer, and
    loads as one: a dict of its Tensors by their names, without a comparison of checksums.

    A process that is killed while it saves leaves a file ``NAME.<32 hexadecimal digits>.tmp``. The next one that saves
    under that name removes it, but not a file that another process is writing: several may save to one path.

    Examples
    --------
    >>> import agrad, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "checkpoint.safetensors")
    ...     agrad.save({"weight": agrad.ones(2), "epoch": 3}, path)
    ...     agrad.load(path)
    {'weight': Tensor([1., 1.], dtype=float32, device='cpu'), 'epoch': 3}
    """
    path = os.fsdecode(path)
    writer = _Writer()
    try:
        structure = json.dumps({"version": _VERSION, "state": writer.encode(state, ())})
    except RecursionError:
        raise ValueError("the state is nested too deeply to be saved: does it contain itself?") from None
    replace(path, _serialize(structure, writer.arrays))


def load(path: str | os.PathLike[str], device: str | Device | None = None) -> Any:
    """Load a state that `save` wrote, or the Tensors of any other safetensors file.

    Parameters
    ----------
    path : str or path
        The file to read: ``.safetensors``, or ``.safetensors.index.json`` of a model that lies in several files.
    device : str or Device, optional
        The device of the Tensors; the current device by default.

    Returns
    -------
    Any
        The state as it was saved; for a file of another program a flat dict of Tensors, which has all names of a Tensor
        that PyTorch's `save_model` stored once. bfloat16 becomes float32 on devices that do not have it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a safetensors file, or is cut short or damaged; in a file of agrad, any changed byte is found.

    Examples
    --------
    >>> import agrad, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "list.safetensors")
    ...     agrad.save([agrad.zeros(2), None], path)
    ...     agrad.load(path, device="cpu")
    [Tensor([0., 0.], dtype=float32, device='cpu'), None]
    """
    target = get_device() if device is None else Device(device)
    path = os.fsdecode(path)
    content = _content(path)
    if is_index(content):
        return _load_listed(listed_files(content, path), path, target)
    return _load(content, path, target)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _load(content: bytes, path: str, device: Device) -> Any:
    """Load the content of one file."""
    checked = _check(content, path)
    entries, metadata = _parse(content, path)
    try:
        if "agrad" in metadata or _CHECKSUM in metadata:
            return _Reader(entries, device).decode(_structure(metadata, entries, checked))
        return _with_shared({name: _tensor(entry, None, device) for name, entry in entries.items()}, metadata)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        reason = error if isinstance(error, (ValueError, TypeError)) else repr(error)  # a KeyError is but a key
        raise ValueError(f"{path!r} holds no state that agrad can read: {reason}") from error


def _load_listed(files: Mapping[str, Sequence[str]], path: str, device: Device) -> dict[str, Tensor]:
    """Load the Tensors that an index lists, file by file."""
    found: dict[str, Tensor] = {}
    for file, names in files.items():
        place = os.path.join(os.path.dirname(path), file)
        tensors = _load(_content(place), place, device)
        if missing := [name for name in names if not isinstance(tensors, dict) or name not in tensors]:
            raise ValueError(f"{path!r} lists {missing[0]!r} in {file!r}, where it is not")
        found |= {name: tensors[name] for name in names}
    return found


# The structure as JSON: a plain value stands for itself, everything else is a dict of one entry, its kind


class _Writer:
    """Encodes a state as JSON, and collects its Tensors."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self._written: dict[int, dict[str, str]] = {}

    def encode(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if isinstance(value, Mapping):
            return {"dict": [[self._key(key, path), self.encode(x, (*path, str(key)))] for key, x in value.items()]}
        if isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "tuple"
            return {kind: [self.encode(x, (*path, str(i))) for i, x in enumerate(value)]}
        return self._plain(value, path)

    def _key(self, key: Any, path: tuple[str, ...]) -> Any:
        if not isinstance(key, _PLAIN) and backends.is_number(key):
            key = key.item()
        if not isinstance(key, _PLAIN):
            remedy = "key.decode()" if isinstance(key, bytes) else "str(key)"
            raise TypeError(
                f"cannot save {_place(path)}: its key {key!r} is neither a string nor a number nor None; write {remedy}"
            )
        _refuse_unwritable(key, path, "a key of ")
        return key

    def _plain(self, value: Any, path: tuple[str, ...]) -> Any:
        if not isinstance(value, _PLAIN) and backends.is_number(value):
            value = value.item()
        if not isinstance(value, _PLAIN):
            raise TypeError(
                f"cannot save {_place(path)}, a {type(value).__name__}: a state holds Tensors, numbers, strings and "
                f"None in dicts, lists and tuples; write {_instead(value)}"
            )
        _refuse_unwritable(value, path)
        return value

    def _tensor(self, tensor: Tensor, path: tuple[str, ...]) -> dict[str, str]:
        if id(tensor.data) not in self._written:
            name = ".".join(path) or "tensor"
            while name in self.arrays or name == "__metadata__":
                name += "_"
            node = self._written[id(tensor.data)] = {"tensor": name}
            dtype = tensor.dtype.name
            if dtype in ("bfloat16", "complex128"):
                node["dtype"] = dtype
            self.arrays[name] = _to_host(tensor)
        return self._written[id(tensor.data)]


def _place(path: tuple[str, ...]) -> str:
    return f"the entry {'.'.join(path)!r}" if path else "this"


def _instead(value: Any) -> str:
    """Return what to write for a value that a state cannot hold."""
    if hasattr(value, "state_dict"):
        return "x.state_dict()"
    if backends.is_number(value):
        return "float(x)"
    if isinstance(value, complex) or hasattr(value, "__array__"):
        return "agrad.asarray(x) or x.tolist()"
    if isinstance(value, (bytes, bytearray)):
        return "x.hex()"
    return "list(x)" if isinstance(value, Iterable) else "str(x) or vars(x)"


def _refuse_unwritable(value: Any, path: tuple[str, ...], part: str = "") -> None:
    """Raise for an integer too long for Python to write as text, and for a string that JSON may change."""
    try:
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, int) and value.bit_length() > 2000:  # Python's limit is never below 640 digits
            str(value)
    except UnicodeEncodeError:
        raise ValueError(
            f"cannot save {part}{_place(path)}: {value!r:.80} is not valid Unicode, since it has a surrogate; "
            "write x.encode(errors='backslashreplace').decode()"
        ) from None
    except ValueError as error:
        raise ValueError(
            f"cannot save {part}{_place(path)}, an integer of {value.bit_length():,} bits: {error}, or write hex(x), "
            "and int(x, 16) for what is loaded"
        ) from None


def _to_host(tensor: Tensor) -> Any:
    """Return a NumPy array of a dtype and byte order that safetensors supports."""
    data, device = tensor._data, tensor._device
    if tensor.dtype.name == "bfloat16":
        data = device.xp.astype(data, device.xp.float32)
    array = device.backend.to_numpy(data)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if tensor.dtype.name == "complex128":
        array = array.reshape(-1).view(array.real.dtype).reshape((*array.shape, 2))
    return array


# Writing the file


def _serialize(structure: str, arrays: dict[str, Any]) -> list[Any]:
    """Return the parts of a safetensors file."""
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))  # aligns each array to its item size
    header = _header(structure, arrays)
    if len(header) > _LONGEST_HEADER:
        raise ValueError(
            f"the numbers, strings and names of the state take {len(header):,} bytes, and a safetensors file has room "
            f"for {_LONGEST_HEADER:,} beside the Tensors; write agrad.asarray(x) for long lists of numbers"
        )
    begin, rest = len(header).to_bytes(8, "little") + _BEGIN, header[len(_BEGIN) + 8 :]
    data = [array.reshape(-1).view("uint8") for array in arrays.values()]
    return [begin, _checksum([begin, rest, *data]), rest, *data]


def _header(structure: str, arrays: dict[str, Any]) -> bytes:
    """Return the header, with zeros for the checksum, padded with spaces to a multiple of 8 bytes."""
    header: dict[str, Any] = {"__metadata__": {_CHECKSUM: "00000000", "agrad": structure}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _STORED[array.dtype.name], "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def _checksum(parts: Iterable[Any]) -> bytes:
    """Return the CRC-32 of all bytes in 8 digits: it detects every change within 32 consecutive bits."""
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return b"%08x" % checksum


def _check(content: bytes, path: str) -> bool:
    """Return whether a file has a checksum of all its bytes; raise if the checksum is wrong."""
    if content[8:_DIGITS] != _BEGIN:
        return False
    view = memoryview(content)  # its slices are not copies
    if content[_DIGITS : _DIGITS + 8] != _checksum([view[:_DIGITS], view[_DIGITS + 8 :]]):
        raise ValueError(f"{path!r} holds no state that agrad can read: {_DAMAGED}")
    return True


# Reading the file


def _parse(content: bytes, path: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the entries and the metadata of a safetensors file."""
    from safetensors import SafetensorError, deserialize

    try:
        entries = dict(deserialize(content))  # type: ignore[no-untyped-call, unused-ignore]
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length], object_pairs_hook=_unique)
        return entries, header.get("__metadata__") or {}
    except (SafetensorError, ValueError) as error:
        reason = format_of(content)
        reason = f": {reason}" if reason else f", or it is damaged: {error}"
        raise ValueError(f"{path!r} is not a safetensors file{reason}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} occurs twice in its header")
        found[name] = value
    return found


def _structure(metadata: dict[str, str], entries: dict[str, dict[str, Any]], checked: bool) -> Any:
    described = json.loads(metadata.get("agrad", "{}"))
    version = described.get("version", _VERSION)
    if not checked and (version == _VERSION or _CHECKSUM in metadata):
        raise ValueError(f"{_DAMAGED}; safetensors.numpy.load_file reads its tensors alone")
    if version not in (1, _VERSION):
        raise ValueError(f"it was written by another version of agrad, in format {version!r}")
    if version == 1:
        _check_data(described, entries)
    return described["state"]


def _check_data(described: dict[str, Any], entries: dict[str, dict[str, Any]]) -> None:
    """Raise if a file of version 1 has a wrong checksum of its data, which are taken in the order of their names."""
    found = int(_checksum(entries[name]["data"] for name in sorted(entries)), 16)
    if described.get("crc32", found) != found:
        raise ValueError("it is damaged: its data is not what was saved")


def _with_shared(tensors: dict[str, Tensor], metadata: dict[str, str]) -> dict[str, Tensor]:
    """Add the further names of shared Tensors that the metadata lists, as files of safetensors' `save_model` do."""
    shared = {name: tensors[kept] for name, kept in metadata.items() if kept in tensors and name != "format"}
    return shared | tensors


class _Reader:
    """Decodes a state from JSON and the Tensors of the file."""

    def __init__(self, entries: dict[str, dict[str, Any]], device: Device) -> None:
        self._entries = entries
        self._device = device
        self._read: dict[str, Tensor] = {}

    def decode(self, node: Any) -> Any:
        if isinstance(node, _PLAIN):
            return node
        if "tensor" in node:
            name = node["tensor"]
            if name not in self._read:
                self._read[name] = _tensor(self._entries[name], node.get("dtype"), self._device)
            return self._read[name]
        ((kind, content),) = node.items()
        if kind == "dict":
            return {key: self.decode(x) for key, x in content}
        return {"list": list, "tuple": tuple}[kind](self.decode(x) for x in content)


def _tensor(entry: dict[str, Any], dtype: str | None, device: Device) -> Tensor:
    """Return the Tensor of an entry of a safetensors file, in `dtype` if it was stored in another one."""
    stored, shape = entry["dtype"], entry["shape"]
    if stored not in _DTYPES:
        raise TypeError(f"it has a tensor of dtype {stored}, which agrad does not have; have its program save float32")
    array = backends.read(memoryview(entry["data"])).view(_DTYPES[stored])
    if stored == "BF16":
        array, dtype = (array.astype("uint32") << 16).view("float32"), "bfloat16"
    elif dtype in _REAL_OF:
        if array.dtype.name != _REAL_OF[dtype] or shape[-1] != 2:
            raise ValueError(f"a tensor of {stored} and shape {shape} is not {dtype}")
        array, shape = array.view(dtype), shape[:-1]
    wanted = dtype if dtype == "bfloat16" and hasattr(device.xp, dtype) else None
    return wrap(*convert(array.reshape(shape), wanted, device, copy=True))
