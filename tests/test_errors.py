"""Which errors are the user's to mend, and what they are told."""

import errno
import os
from pathlib import Path

import pytest

from mma_core.errors import DataError, StorageError, to_show


def test_our_own_errors_speak_for_themselves() -> None:
    error = DataError("no such language")
    assert to_show(error) is error


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_place_that_may_not_be_used_is_named(number: int) -> None:
    told = to_show(OSError(number, os.strerror(number), "/kept/model.onnx"))
    assert isinstance(told, StorageError)
    assert str(told).startswith(f"/kept/model.onnx: {os.strerror(number)}; change what may be done there")
    assert "MMA_CACHE" in str(told)


def test_a_full_disk() -> None:
    told = to_show(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/model.onnx"))
    assert str(told).startswith("/full/model.onnx: No space left on device; make room")


def test_a_disk_that_is_really_full() -> None:
    with pytest.raises(OSError, match="No space") as caught, Path("/dev/full").open("w") as full:
        full.write("x" * 10_000_000)
    told = to_show(caught.value)
    assert isinstance(told, StorageError)
    assert str(told).startswith("No space left on device; make room")


@pytest.mark.parametrize("before", ["", "the build failed:\nTraceback:\n  save()\n"])
def test_a_full_disk_is_known_in_other_words_too(before: str) -> None:
    told = to_show(RuntimeError(f"{before}Error while serializing: I/O error: No space left on device (os error 28)"))
    assert isinstance(told, StorageError)
    assert str(told).startswith("Error while serializing: I/O error: No space left on device (os error 28); make room")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        FileNotFoundError(errno.ENOENT, "No such file", "/a"),
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(),
    ],
)
def test_all_else_is_a_failure_of_ours(error: Exception) -> None:
    assert to_show(error) is None
