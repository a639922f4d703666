"""Which errors are the user's to mend, and what they are told."""

import errno
import os

import pytest

from mma_core.errors import DataError, StorageError, to_show


def test_our_own_errors_speak_for_themselves() -> None:
    error = DataError("no such language")
    assert to_show(error) is error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_place_that_cannot_be_used_is_named(number: int) -> None:
    told = to_show(OSError(number, os.strerror(number), "/full/model.onnx"))
    assert isinstance(told, StorageError)
    assert str(told).startswith(f"/full/model.onnx: {os.strerror(number)}; make room there")
    assert "MMA_CACHE" in str(told)


def test_a_full_disk_is_known_in_other_words_too() -> None:
    told = to_show(RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"))
    assert isinstance(told, StorageError)


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError(errno.ENOENT, "No such file", "/a"), OSError()])
def test_all_else_is_a_failure_of_ours(error: Exception) -> None:
    assert to_show(error) is None
