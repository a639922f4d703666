"""What can go wrong in a benchmark."""

from mma_core.errors import MMAError


class RivalError(MMAError):
    """A contender cannot be installed, made, opened or run here."""


class BrowserError(MMAError):
    """There is no browser, or the app does not answer it."""
