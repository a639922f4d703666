"""What a measurement has found so far, kept on the disk: one that was cut off goes on where it was."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import lines

# What was timed the day before is another run: the machine may have changed since.
MOST_SECONDS = 24 * 3600


class Journal:
    """The findings of one measurement by name, each on the disk before the next is looked for."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what there is.

        Args:
            path: of its own file, which nobody else writes meanwhile; by default nothing outlives the process. What was
                begun a day ago does not count.
        """
        self._path = path
        self._found = _read(path) if path else {}

    def __contains__(self, name: str) -> bool:
        """Whether this was found."""
        return name in self._found

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        """What was found of a name, else what `find` finds now, in either case as JSON gives it back."""
        if name not in self._found:
            found = json.loads(json.dumps(find()))
            if self._path:
                began = [] if self._path.exists() else [time.time()]
                lines.append(self._path, [*began, (name, found)])
            self._found[name] = found
        return self._found[name]

    def close(self) -> None:
        """Forget it: what was measured is in a table now."""
        if self._path:
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    """What a journal holds below the time at which it was begun; one that is too old or damaged is deleted."""
    if path.exists():
        with suppress(ValueError, TypeError):
            began, *found = (json.loads(line) for line in lines.read(path) if line)
            if 0 <= time.time() - began <= MOST_SECONDS:
                return dict(found)
        path.unlink()
    return {}
