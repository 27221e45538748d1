"""Files that are no safetensors file: the index of a model in several, and what is said of other formats."""

from __future__ import annotations

import json
import os
from typing import Final

__all__ = ["format_of", "is_index", "listed_files"]

_PYTORCH: Final = "write load_state_dict(torch.load(path, weights_only=True))"
_FORMATS: Final = {
    b"PK\x03\x04": f"it is a zip archive, as torch.save and numpy.savez write: {_PYTORCH}, or numpy.load(path)",
    b"\x80\x02\x8a\nl\xfc\x9cF": f"it is a file of older versions of torch.save: {_PYTORCH}",
    b"\x93NUMPY": "it is an array that numpy.save wrote: write agrad.asarray(numpy.load(path))",
    b"\x89HDF": "it is an HDF5 file: give load_state_dict a dict of the arrays that h5py reads",
    b"version https://git-lfs": "Git LFS has left a pointer in its place: run git lfs pull",
    b"<": "it is a page of the web: was the download refused?",
}


def format_of(content: bytes) -> str:
    """Return what a file of another format is, and what to write instead; empty if that is unknown."""
    return next((text for start, text in _FORMATS.items() if content.startswith(start)), "")


def is_index(content: bytes) -> bool:
    """Return whether a file is JSON, as the index of a model in several files is."""
    return content[:64].lstrip()[:1] == b"{" and content[8:9] != b"{"


def listed_files(content: bytes, path: str) -> dict[str, list[str]]:
    """Return the files that an index lists, which are in its folder, with the names of their Tensors.

    Raises
    ------
    ValueError
        If it is no index, or a file would be in another folder.
    """
    try:
        pairs = json.loads(content)["weight_map"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"{path!r} is JSON, and has no entry 'weight_map' as the index of a model in several safetensors files"
        ) from None
    files: dict[str, list[str]] = {}
    for name, file in pairs:
        if not isinstance(file, str) or file != os.path.basename(file):
            raise ValueError(f"{path!r} lists {file!r} for {name!r}; an index lists files of its own folder")
        files.setdefault(file, []).append(name)
    return files
