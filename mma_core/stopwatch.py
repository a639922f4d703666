"""A stopwatch that several threads may start."""

import threading
import time


class Stopwatch:
    """Counts the seconds in which at least one of those who started it has not stopped it yet.

    Attributes:
        seconds: so far, up to the last time that all had stopped it.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock, self._running, self._since = threading.Lock(), 0, 0.0

    def start(self) -> None:
        """Count from now on; each start needs a stop."""
        with self._lock:
            if not self._running:
                self._since = time.perf_counter()
            self._running += 1

    def stop(self) -> None:
        """Count no more, unless for another who started it."""
        with self._lock:
            self._running -= 1
            if not self._running:
                self.seconds += time.perf_counter() - self._since
