"""Checkpoints are written as a whole or not at all: what failures, kills and other writers leave behind."""

import errno
import os
import random
import stat
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import agrad
from agrad.io import atomic

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, links and locks of POSIX")
STALE = f"state.safetensors.{'0' * 32}.tmp"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


def files(path):
    return sorted(os.listdir(path.parent))


# Failures


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("step", ["chmod", "fsync", "replace"])
def test_a_failed_save_keeps_the_old_file_and_nothing_else(path, monkeypatch, step, error):
    agrad.save({"x": 1}, path)
    monkeypatch.setattr(os, step, failing(error))
    with pytest.raises(type(error)):
        agrad.save({"x": 2}, path)
    monkeypatch.undo()
    assert agrad.load(path) == {"x": 1}
    assert files(path) == [path.name]


@pytest.mark.parametrize("step", ["open", "chmod", "fsync", "replace"])
def test_errors_name_the_path_that_was_given(path, monkeypatch, step):
    agrad.save({}, path)

    def full(name, *args):
        raise OSError(errno.ENOSPC, "No space left on device", os.fspath(name) if step != "fsync" else None)

    monkeypatch.setattr(*((atomic, "open") if step == "open" else (os, step)), full, raising=False)
    with pytest.raises(OSError, match=r"No space left on device: '[^']*state\.safetensors'$") as caught:
        agrad.save({}, path)
    assert caught.value.filename == str(path)


def test_a_disk_that_is_full_halfway(path):
    agrad.save({"x": 1}, path)

    def parts():
        yield b"0" * 100_000
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device: '[^']*state\.safetensors'$"):
        atomic.replace(str(path), parts())
    assert agrad.load(path) == {"x": 1}
    assert files(path) == [path.name]


def test_a_missing_folder_and_a_file_in_its_place(tmp_path):
    for wrong in (tmp_path / "missing" / "state", tmp_path / "file" / "state"):
        (tmp_path / "file").touch()
        with pytest.raises(OSError) as caught:
            agrad.save({}, wrong)
        assert caught.value.filename == str(wrong)
        assert ".tmp" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_is_not_replaced(tmp_path):
    with pytest.raises(OSError, match="not a regular file"):
        agrad.save({}, tmp_path)
    for wrong in ("", f"{tmp_path / 'new'}{os.sep}"):
        with pytest.raises(FileNotFoundError) as caught:
            agrad.save({}, wrong)
        assert caught.value.filename == wrong
    assert os.listdir(tmp_path) == []


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(path):
    agrad.save(1, path)
    path.parent.chmod(0o555)
    try:
        with pytest.raises(PermissionError) as caught:
            agrad.save(2, path)
    finally:
        path.parent.chmod(0o755)
    assert caught.value.filename == str(path)
    assert agrad.load(path) == 1


# Permissions, links and names


@posix
@pytest.mark.parametrize("mode", [0o640, 0o600, 0o444, 0o666])
def test_a_replaced_file_keeps_its_permissions(path, mode):
    agrad.save({}, path)
    path.chmod(mode)
    agrad.save({"epoch": 1}, path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert agrad.load(path) == {"epoch": 1}


@posix
def test_a_new_file_has_the_permissions_of_any_other(path):
    agrad.save(1, path)
    plain = path.with_name("plain")
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@posix
def test_a_link_leads_to_the_file_that_is_replaced(path):
    link = path.with_name("link")
    link.symlink_to(path)
    for value in (1, 2):  # the file is made, and replaced
        agrad.save(value, link)
        assert link.is_symlink()
        assert agrad.load(path) == value


@posix
def test_links_in_a_circle(tmp_path):
    itself, there, back = (tmp_path / name for name in ("itself", "there", "back"))
    for link, target in ((itself, itself), (there, back), (back, there)):
        link.symlink_to(target)
    for link in (itself, there, itself / "state"):
        for use in (lambda link=link: agrad.save({}, link), lambda link=link: agrad.load(link)):
            with pytest.raises(OSError) as caught:
                use()
            assert (caught.value.errno, caught.value.filename) == (errno.ELOOP, str(link))
    assert sorted(os.listdir(tmp_path)) == ["back", "itself", "there"]


@pytest.mark.parametrize("name", ["n" * 240, "n" * 255, "é" * 120, "n" + "é" * 127, "日" * 85], ids=len)
def test_names_as_long_as_the_file_system_takes(tmp_path, monkeypatch, name):
    temporary = []
    monkeypatch.setattr(os, "fsync", lambda file: temporary.extend(set(os.listdir(tmp_path)) - {name}))
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("the file system takes no such name")
    agrad.save(1, tmp_path / name)
    assert agrad.load(tmp_path / name) == 1
    assert len(os.fsencode(*temporary)) <= 143  # which the file systems take that take least
    (tmp_path / temporary[0]).touch()
    agrad.save(2, tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(OSError) as caught:
        agrad.save({}, tmp_path / ("n" * 300))
    assert caught.value.filename == str(tmp_path / ("n" * 300))


# What killed processes leave


def start(code, path):
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


SAVING = """
import sys, agrad
for n in range(1_000_000):
    agrad.save({"n": n, "x": agrad.full((500_000,), n, dtype="float32")}, sys.argv[1])
    if n == 0:
        print("saved", flush=True)
"""

HALFWAY = """
import os, sys, agrad
def pause(file):
    print("halfway", flush=True)
    sys.stdin.readline()
os.fsync = pause
agrad.save("theirs", sys.argv[1])
"""


def test_a_kill_at_any_moment_leaves_a_file_that_loads(path):
    seen = set()
    for delay in random.Random(0).sample(range(20, 300), 6):
        with start(SAVING, path) as process:
            assert process.stdout.readline() == "saved\n"
            time.sleep(delay / 1000)
            process.kill()
        loaded = agrad.load(path)
        assert agrad.all(loaded["x"] == loaded["n"]).item()
        seen.add(loaded["n"])
    assert max(seen) > 0


def test_the_next_save_removes_files_of_a_killed_one(path, monkeypatch):
    agrad.save("before", path)
    with start(HALFWAY, path) as process:
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    assert agrad.load(path) == "before"
    assert len(files(path)) == 2
    if atomic.fcntl is None:
        monkeypatch.setattr(atomic, "_AGE", -1)
    agrad.save("after", path)
    assert agrad.load(path) == "after"
    assert files(path) == [path.name]


def test_files_that_another_process_writes_stay(path):
    with start(HALFWAY, path) as process:
        assert process.stdout.readline() == "halfway\n"
        agrad.save("ours", path)
        assert len(files(path)) == 2
        assert agrad.load(path) == "ours"
        process.communicate("go on\n")
    assert process.returncode == 0
    assert agrad.load(path) == "theirs"
    assert files(path) == [path.name]


def test_files_that_another_thread_writes_stay(path, monkeypatch):
    def meanwhile(file):
        monkeypatch.undo()
        agrad.save("inner", path)
        assert len(files(path)) == 2

    monkeypatch.setattr(os, "fsync", meanwhile)
    agrad.save("outer", path)
    assert agrad.load(path) == "outer"
    assert files(path) == [path.name]


MANY = """
import sys, agrad
for n in range(100):
    agrad.save({"n": n, "x": agrad.full((1000,), n)}, sys.argv[1])
"""


def test_processes_that_save_to_one_path_at_once(path):
    processes = [start(MANY, path) for _ in range(3)]
    while any(process.poll() is None for process in processes):
        with suppress(FileNotFoundError):  # before the first save
            loaded = agrad.load(path)
            assert agrad.all(loaded["x"] == loaded["n"]).item()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert agrad.load(path)["n"] == 99
    assert files(path) == [path.name]


def test_only_temporary_files_of_the_same_name_are_removed(path):
    other = [
        "state.safetensors.tmp", f"state.safetensors.{'0' * 31}.tmp", f"state.safetensors.{'x' * 32}.tmp",
        f"other.safetensors.{'0' * 32}.tmp", f"{STALE}.old", f"my.{STALE}", f"stateXsafetensors.{'0' * 32}.tmp",
    ]  # fmt: skip
    for name in (STALE, *other):
        path.with_name(name).touch()
    path.with_name(f"state.safetensors.{'1' * 32}.tmp").mkdir()
    agrad.save(1, path)
    assert files(path) == sorted([path.name, f"state.safetensors.{'1' * 32}.tmp", *other])


@posix
def test_stale_files_that_cannot_be_written(path):
    path.with_name(STALE).touch(mode=0o444)
    agrad.save(1, path)
    assert files(path) == [path.name]


@posix
def test_without_locks_nothing_is_removed(path, monkeypatch):
    path.with_name(STALE).touch()
    monkeypatch.setattr(atomic.fcntl, "flock", failing(OSError(errno.ENOLCK, "No locks available")))
    agrad.save(1, path)
    assert agrad.load(path) == 1
    assert files(path) == [path.name, STALE]


def test_without_fcntl_a_file_is_stale_after_an_hour(path, monkeypatch):
    monkeypatch.setattr(atomic, "fcntl", None)
    path.with_name(STALE).touch()
    agrad.save(1, path)
    assert agrad.load(path) == 1
    assert files(path) == [path.name, STALE]
    os.utime(path.with_name(STALE), (time.time() - 3601,) * 2)
    agrad.save(2, path)
    assert agrad.load(path) == 2
    assert files(path) == [path.name]


@posix
@pytest.mark.parametrize("held", [False, True])
def test_a_temporary_file_that_is_removed_before_it_is_locked(path, monkeypatch, held):
    """Another process takes it for stale: it has removed it by the time of the lock, or is about to."""
    flock, calls = atomic.fcntl.flock, []

    def late(file, operation):
        calls.append(file.name)
        if len(calls) == 1:
            os.unlink(file.name)
            if held:
                raise BlockingIOError(errno.EWOULDBLOCK, "Resource temporarily unavailable")
        flock(file, operation)

    monkeypatch.setattr(atomic.fcntl, "flock", late)
    agrad.save(1, path)
    assert agrad.load(path) == 1
    assert len(set(calls)) == 2
    assert files(path) == [path.name]


@posix
def test_a_folder_that_cannot_be_listed(path, monkeypatch):
    monkeypatch.setattr(os, "scandir", failing(PermissionError(errno.EACCES, "Permission denied")))
    agrad.save(1, path)
    assert agrad.load(path) == 1
