"""What can go wrong with a contender."""

from mma_core.errors import MMAError


class RivalError(MMAError):
    """A contender cannot be installed, made, opened or run here."""
