"""What every program of a rule shares: arguments in, one clear line out when something is wrong."""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import UserError
from .signals import Stopped, install

# What the system says of a disk, and what to do about it.
DISK = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space: your quota is used up",
    errno.EROFS: "results must go where files can be written",
    errno.EACCES: "give yourself the right to it",
    errno.EPERM: "give yourself the right to it",
    errno.EIO: "the disk is full or failing",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
}
# How numpy, torch on a CPU, CUDA, the loader of shared libraries and fork say it.
OUT_OF_MEMORY = (
    "memoryerror", "not enough memory", "t allocate memory", "out of memory", "outofmemory",
    "cannot allocate", "failed to map segment", "bad_alloc", "unable to allocate",
)  # fmt: skip


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line, without the usage before it."""

    def error(self, message: str):
        if "expected one argument" in message:
            message += " (a number above 0, such as 5.76e23 or 70B)"
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def arguments(summary: str | None, *names: str, many: tuple[str, ...] = ()) -> argparse.Namespace:
    """Parse `--name value` for each name; `--spec` is decoded from JSON; `many` take lists.

    Every program also accepts `--log FILE` (progress goes there too) and `--faults FILE` (its
    error line is appended there, for the workflow to repeat at the end) and `--ends PID` (a fault
    interrupts that process, as Ctrl-C would: nothing that is left to do would be of use).
    """
    parser = OneLineParser(description=summary, allow_abbrev=False)
    for name in names:
        parser.add_argument(f"--{name}", required=True, type=json.loads if name == "spec" else str)
    for name in many:
        parser.add_argument(f"--{name}", required=True, nargs="+")
    parser.add_argument("--log")
    parser.add_argument("--faults")
    parser.add_argument("--ends", type=int)
    return parser.parse_args()


def run(main: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Call `main(args)`; whatever ends it early becomes one line on stderr, the log and the faults.

    Exit status: 2 for what the user can mend, 128 + n for signal n, 1 for what nobody foresaw: its
    traceback goes to the log.
    """
    install()
    trace = ""
    try:
        main(args)
        return
    except UserError as fault:
        line, status = str(fault), 2
    except Stopped as stopped:
        line, status = f"{_what(args)}: {_ended(stopped)}", 128 + stopped.number
    except Exception as fault:
        line, status = describe(fault), 2
        if line is None:
            trace = traceback.format_exc()
            where = f"its traceback is in {args.log}" if args.log else "its traceback stands above"
            line, status = f"{_unexpected(fault)}; {where}", 1
        line = f"{_what(args)}: {line}"
    line = f"error: {' '.join(line.splitlines())}\n"
    with suppress(OSError):
        sys.stderr.write((trace if not args.log else "") + line)
    for path, text in ((args.log, trace + line), (args.faults, line)):
        if path:
            # A full disk may be the very fault.
            with suppress(OSError), open(path, "a", encoding="utf-8") as stream:
                stream.write(text)
    if args.ends and status < 128:
        os.kill(args.ends, signal.SIGINT)
    sys.exit(status)


def describe(fault: Exception) -> str | None:
    """What went wrong with the machine, and what to do; None for what is a fault of the program."""
    words = f"{type(fault).__name__}: {fault}".lower()
    if isinstance(fault, MemoryError) or any(said in words for said in OUT_OF_MEMORY):
        detail = str(fault).strip().splitlines()[0] if str(fault).strip() else "no more to allocate"
        return (
            f"out of memory ({detail}): make batch_size or the size smaller, run fewer jobs at "
            "once, or use a machine with more; run snakemake again to go on"
        )
    if isinstance(fault, OSError) and fault.errno in DISK:
        where = f"{fault.filename}: " if fault.filename else ""
        return f"{where}{fault.strerror or fault}; {DISK[fault.errno]}; then run snakemake again"
    return None


def _what(args: argparse.Namespace) -> str:
    """What a program was making, as its rule names it."""
    return next(
        (str(getattr(args, name)) for name in ("out", "meta", "folder", "table", "domain", "checks")
         if getattr(args, name, None)),
        sys.argv[0],
    )  # fmt: skip


def _ended(stopped: Stopped) -> str:
    kept = stopped.kept or "nothing half-made is left"
    return f"ended by {stopped.name} before it was done; {kept}; run snakemake again to go on"


def _unexpected(fault: Exception) -> str:
    text = str(fault).strip()
    first = f": {text.splitlines()[0]}" if text else ""
    return (
        f"an unexpected {type(fault).__name__}{first} (a fault of alphascale, or of your own model)"
    )


def progress(job: str, log: str | None) -> Callable[[str], None]:
    """A function that writes a line of progress, with the job's name, to stderr and the log."""
    started = time.monotonic()
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text("", encoding="utf-8")

    def say(text: str) -> None:
        line = f"[{job}] {time.monotonic() - started:6.1f} s  {text}"
        # No training ends for want of a line: a killed workflow leaves its jobs without a reader,
        # and a full disk will be told where it matters.
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
        if log:
            with suppress(OSError), open(log, "a", encoding="utf-8") as stream:
                stream.write(line + os.linesep)

    return say
