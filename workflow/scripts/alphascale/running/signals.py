"""SIGTERM and SIGINT end a program in time: at once, or where it can first save what it has."""

from __future__ import annotations

import signal


class Stopped(BaseException):
    """The program was asked to end. Not an Exception: nothing that mends faults may swallow it.

    number: the signal's. kept: what was saved, in words; empty if there was nothing to save.
    """

    def __init__(self, number: int, kept: str = ""):
        super().__init__(number, kept)
        self.number, self.kept = number, kept

    @property
    def name(self) -> str:
        """As people know the signal."""
        return signal.Signals(self.number).name


_asked: int | None = None
_later = False


def install() -> None:
    """From now on the first SIGTERM or SIGINT raises Stopped wherever the program stands."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _arrived)


def asked_later() -> int | None:
    """The signal that has asked the program to end, if any; from the first call on none is raised.

    For a program that looks often and has something to save.
    """
    global _later
    _later = True
    return _asked


def _arrived(number: int, frame: object) -> None:
    global _asked
    # A scheduler may signal the whole group and then the process again: one request is enough.
    if _asked is None:
        _asked = number
        if not _later:
            raise Stopped(number)
