"""Data files: found on this machine, or downloaded where they are not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["obtain"]

_PATIENCE = 15  # seconds without an answer before the next mirror is asked


def obtain(
    name: str,
    *,
    root: str | os.PathLike[str] | None,
    folders: Sequence[str],
    download: bool,
    mirrors: Sequence[str],
    md5: str,
) -> Path:
    """Return the path of a data file, gzipped or not, downloading it if need be.

    Parameters
    ----------
    name : str
        Without the ending ``.gz``.
    root : path, optional
        Searched first, then the folder that the environment variable ``AGRAD_DATA`` names, then the user's cache.
        A download goes to `root` if it is given, and to the cache if not.
    folders : sequence of str
        The sub-folders to search; a download goes to the first one.
    download : bool
    mirrors : sequence of str
        Addresses that the name and ``.gz`` complete, tried in turn.
    md5 : str
        The checksum of the gzipped file that the mirrors serve.

    Raises
    ------
    FileNotFoundError
        If the file is not on this machine and `download` is False.
    ConnectionError, ImportError
        If no mirror gave the file, or if pooch is missing.
    """
    roots = _roots(root)
    searched = [*roots[: root is not None], *(place / folder for place in roots for folder in folders)]
    for folder in searched:
        for spelling in (name, f"{name}.gz", name.replace("-idx", ".idx")):
            if (folder / spelling).is_file():
                return folder / spelling
    missing = f"{name}(.gz) is not in {', '.join(map(str, searched)) or 'any known folder'}"
    remedy = f"put it there, or set AGRAD_DATA to a folder that holds {folders[0]}/"
    if not download:
        raise FileNotFoundError(f"{missing}; {remedy}, or write download=True")
    try:
        import pooch
    except ImportError:
        raise ImportError(f'{missing}; {remedy}, or install what downloads it: pip install "agrad[data]"') from None
    target = (Path(root).expanduser() if root is not None else _cache(pooch)) / folders[0]
    failures = []
    for mirror in mirrors:
        try:
            return _fetch(pooch, f"{mirror}{name}.gz", md5, target)
        except (OSError, ValueError) as error:
            failures.append(f"\n  {mirror}{name}.gz: {error}")
    raise ConnectionError(f"{missing}, and no mirror gave it; {remedy}. The mirrors said:{''.join(failures)}")


def _roots(root: str | os.PathLike[str] | None) -> list[Path]:
    places = [root, os.environ.get("AGRAD_DATA")]
    found = [Path(place).expanduser() for place in places if place]
    try:
        import pooch
    except ImportError:
        return found
    return [*found, _cache(pooch)]


def _cache(pooch: Any) -> Path:
    return Path(pooch.os_cache("agrad"))


def _fetch(pooch: Any, url: str, md5: str, folder: Path) -> Path:
    """Download to a temporary name; the file gets its own once it is whole and its checksum right."""
    try:
        import tqdm  # noqa: F401 - pooch draws its progress bar with it
    except ImportError:
        bar = False
    else:
        bar = True
    downloader = pooch.HTTPDownloader(progressbar=bar, timeout=_PATIENCE)
    name = url.rpartition("/")[2]
    return Path(pooch.retrieve(url, f"md5:{md5}", fname=name, path=folder, downloader=downloader))
