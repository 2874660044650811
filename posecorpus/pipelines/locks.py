"""One run at a time in a corpus's folder.

A run holds ``.lock``; a piece of a run (``--shard i/n``) shares it with other pieces and holds
``.lock-i-of-n`` for itself. On a file system the operating system gives a dead run's lock back (flock(2);
on Linux that holds across the machines that mount an NFS folder, too). Where there is no such thing, as
behind URLs, the file itself is the lock: it says who holds it, and a run that died on this machine is
told from a living one by its process.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from posecorpus.core.errors import InputError
from posecorpus.core.storage import LocalStorage, Storage, read_limited

LOCK = ".lock"
_NO_LOCKS = (errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL)


@contextmanager
def only_run(out: Storage, piece: tuple[int, int] | None) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if it is missing and removed again if it stays empty.

    Raises:
        InputError: another run is at work there; says which.
    """
    own = LOCK if piece is None else f"{LOCK}-{piece[0]}-of-{piece[1]}"
    with ExitStack() as stack:
        if isinstance(out, LocalStorage):
            stack.enter_context(_folder(out.folder))
        if not isinstance(out, LocalStorage) or not _has_locks(out.folder):
            stack.enter_context(_file(out, own, piece))
        else:
            if piece is not None:
                stack.enter_context(_flock(out, LOCK, fcntl.LOCK_SH))
            stack.enter_context(_flock(out, own, fcntl.LOCK_EX))
        yield


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(folder, "a folder that can be made", error.strerror) from None
    try:
        yield
    finally:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _has_locks(folder: Path) -> bool:
    """Whether the file system of a folder that can be written to has locks."""
    path = folder / f".{secrets.token_hex(4)}.tmp"
    try:
        with path.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise InputError(folder, "a folder that can be written to", error.strerror) from None
    finally:
        with suppress(OSError):  # it was not made
            path.unlink()
    return True


@contextmanager
def _flock(out: LocalStorage, name: str, kind: int) -> Iterator[None]:
    path = out.folder / name
    while True:
        try:
            file = path.open("a+b")
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            held = _holder(file.read(4096))
            file.close()
            raise _refusal(out, name, held) from None
        except OSError as error:
            raise InputError(path, "a file that can be locked", error.strerror) from None
        if _is_at(path, file.fileno()):
            break
        file.close()  # its holder removed it between our opening and locking it
    with file:
        if kind == fcntl.LOCK_EX:
            file.truncate(0)
            file.write(_me())
            file.flush()
        try:
            yield
        finally:
            # Only the last to go may remove the file; who still shares it would be alone with its ghost.
            with suppress(OSError):  # shared with another piece, or the folder is gone
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(path, file.fileno()):
                    path.unlink()


@contextmanager
def _file(out: Storage, name: str, piece: tuple[int, int] | None) -> Iterator[None]:
    """A lock that is a file's presence."""
    others = [n for n in out.names() if n.startswith(LOCK) and n != name]
    for other in others if piece is None else [n for n in others if n == LOCK]:
        _take_from_dead(out, other)
    if not out.create(name, _me()):
        _take_from_dead(out, name)
        if not out.create(name, _me()):
            raise _refusal(out, name, _holder(_contents(out, name)))
    try:
        yield
    finally:
        out.remove(name)


@contextmanager
def only_process(name: str) -> Iterator[None]:
    """Wait until no other process of this user on this machine is within this block of that name."""
    path = Path(tempfile.gettempdir()) / f"posecorpus-{os.getuid()}-{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _take_from_dead(out: Storage, name: str) -> None:
    held = _holder(_contents(out, name))
    if held is None or held["host"] != platform.node() or _alive(held):
        raise _refusal(out, name, held)
    out.remove(name)


def _contents(out: Storage, name: str) -> bytes:
    return read_limited(out, name, 4096) if name in out.names() else b""


def _refusal(out: Storage, name: str, held: dict[str, Any] | None) -> InputError:
    if held is None:
        got, fix = "another run that has just begun", "wait for it to end"
    else:
        got = f"process {held['pid']} on {held['host']} at work there"
        fix = "wait for it to end, or stop it"
        if held["host"] != platform.node():
            fix += f"; if that machine died, remove {out.where(name)}"
    return InputError(out, "a folder that no other run writes to", got, fix)


def _me() -> bytes:
    return json.dumps({"pid": os.getpid(), "host": platform.node(), "began": _began(os.getpid())}).encode()


def _holder(data: bytes) -> dict[str, Any] | None:
    try:
        held = json.loads(data)
        return {"pid": int(held["pid"]), "host": str(held["host"]), "began": held.get("began")}
    except (ValueError, KeyError, TypeError):
        return None


def _alive(held: dict[str, Any]) -> bool:
    """Whether the process still runs, and is not another one with its number."""
    try:
        os.kill(held["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return held["began"] is None or held["began"] == _began(held["pid"])


def _began(pid: int) -> str | None:
    """When a process began, in ticks since the machine did, beside the machine's start: no clock decides."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {ticks}"
    except (OSError, IndexError):
        return None


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
