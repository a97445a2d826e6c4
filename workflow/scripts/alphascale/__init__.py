"""alphascale: how large must the model be, on how much data, at what cost, and how sure are we.

What a notebook needs is here, and is imported when it is first asked for: `fit` and `load` (laws on
your own columns), `regimes` and `front` (what limits a grid of runs, and its law in compute),
`Calculator` (published laws), `run` and `Results` (a study trained, and what it left).
"""

import sys
from importlib import import_module
from pathlib import Path

__version__ = "0.1.0"

# Name → the module that has it.
LAZY = {
    "Calculator": "calculator",
    "Results": "pipeline",
    "fit": "laws",
    "front": "grids.front",
    "load": "fitting.saved",
    "regimes": "grids.regimes",
    "run": "pipeline",
}


def __getattr__(name: str):
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {', '.join(LAZY)}")
    return getattr(import_module(f"{__name__}.{LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *LAZY])


def _one_line(kind, fault, trace) -> None:
    """What ends a rule's program before `running.program.run` is there to say it: in its imports,
    which take up to two seconds."""
    if issubclass(kind, KeyboardInterrupt):
        print(f"error: {Path(sys.argv[0]).stem}: ended by SIGINT as it started", file=sys.stderr)
    else:
        sys.__excepthook__(kind, fault, trace)


if sys.argv and Path(sys.argv[0]).absolute().parent == Path(__file__).absolute().parents[1]:
    sys.excepthook = _one_line
