"""What every program of a rule shares: arguments in, one clear line out when something is wrong."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .errors import UserError


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
    """Call `main(args)`; a UserError becomes one line on stderr and exit status 2."""
    try:
        main(args)
    except UserError as fault:
        line = f"error: {fault}"
        print(line, file=sys.stderr)
        for path in (args.log, args.faults):
            if path:
                with open(path, "a", encoding="utf-8") as stream:
                    stream.write(line + "\n")
        if args.ends:
            os.kill(args.ends, signal.SIGINT)
        sys.exit(2)


def progress(job: str, log: str | None) -> Callable[[str], None]:
    """A function that writes a line of progress, with the job's name, to stderr and the log."""
    started = time.monotonic()
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text("", encoding="utf-8")

    def say(text: str) -> None:
        line = f"[{job}] {time.monotonic() - started:6.1f} s  {text}"
        print(line, file=sys.stderr, flush=True)
        if log:
            with open(log, "a", encoding="utf-8") as stream:
                stream.write(line + os.linesep)

    return say
