"""How long work tells how far it is."""

from collections.abc import Callable

Report = Callable[[float, str], None]


def quiet(fraction: float, desc: str) -> None:
    """Tell nobody."""


def portion(report: Report, begin: float, end: float, name: str = "") -> Report:
    """Progress of a part of the whole, from one fraction of it to another; its name stands before what it tells."""
    before = f"{name}: " if name else ""
    return lambda fraction, desc: report(begin + (end - begin) * fraction, f"{before}{desc}")
