"""The errors that a user can cause and mend.

MMAError
├── RecipeError      a recipe that the grammar or a step refuses
├── DataError        text, CoNLL data or a language that cannot be used
├── ArtifactError    a checkpoint or artifact that is missing, damaged or not trusted
└── StorageError     a full disk, or a place where files may not be written or read

Each message names the thing at fault, its value, and what is accepted. The command line turns them into
exit status 2 and one line; the app into a notice.
"""

import errno
import os

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_MEND = "choose another place (the variable MMA_CACHE names the cache's)"


class MMAError(Exception):
    """Base of all errors that bad input or a bad environment causes."""


class RecipeError(MMAError):
    """A recipe or one of its steps is not legal."""


class DataError(MMAError):
    """Text, labelled data or a language code cannot be used."""


class ArtifactError(MMAError):
    """A checkpoint or an artifact is missing, damaged or not trusted."""


class StorageError(MMAError):
    """The disk is full, or a file or folder may not be written or read."""


def to_show(error: Exception) -> MMAError | None:
    """What to tell the user of any error: itself, if it is one of ours, or that a place for files cannot be used.

    Returns:
        None if the error is a failure of ours.
    """
    if isinstance(error, MMAError):
        return error
    if isinstance(error, OSError) and error.errno in _REFUSED and error.filename is not None:
        return StorageError(f"{error.filename}: {error.strerror}; change what may be done there, or {_MEND}")
    full = os.strerror(errno.ENOSPC)
    if isinstance(error, OSError) and error.errno in _FULL:
        said = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    elif full in str(error):  # as libraries in other languages report it, and processes elsewhere
        said = next(line for line in reversed(str(error).splitlines()) if full in line).strip()
    else:
        return None
    return StorageError(f"{said}; make room, or {_MEND}")
