"""alphascale: how large must the model be, on how much data, at what cost, and how sure are we."""

import sys
from pathlib import Path

__version__ = "0.1.0"


def _one_line(kind, fault, trace) -> None:
    """What ends a rule's program before `running.program.run` is there to say it: in its imports,
    which take up to two seconds."""
    if issubclass(kind, KeyboardInterrupt):
        print(f"error: {Path(sys.argv[0]).stem}: ended by SIGINT as it started", file=sys.stderr)
    else:
        sys.__excepthook__(kind, fault, trace)


if sys.argv and Path(sys.argv[0]).absolute().parent == Path(__file__).absolute().parents[1]:
    sys.excepthook = _one_line
