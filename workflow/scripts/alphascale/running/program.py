"""What every program of a rule shares: its job in, one clear line out when something is wrong."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
# Bytes: with less, the line of a fault may not fit any more.
SPARE = 65_536
# The time that a training has left, by its own reckoning. The first time it knows but its first
# steps, which load, compile and warm up: of a minute's work it once said 18,815 s.
LEFT = re.compile(r", about \d+ s left$")
# Set by a workflow that shows its jobs by their logs: what they would say goes there alone.
QUIET = "ALPHASCALE_QUIET"
# How numpy, torch on a CPU, CUDA, the loader of shared libraries and fork say it.
OUT_OF_MEMORY = (
    "memoryerror", "not enough memory", "t allocate memory", "out of memory", "outofmemory",
    "cannot allocate", "failed to map segment", "bad_alloc", "unable to allocate",
)  # fmt: skip


class _Once(argparse._StoreAction):
    """Store a value; a second one for the same option would silently take its place."""

    def __call__(self, parser, namespace, values, option_string=None):
        given = namespace.__dict__.setdefault("_given", set())
        if option_string and self.dest in given:
            parser.error(f"{option_string} is given twice; give it once")
        given.add(self.dest)
        super().__call__(parser, namespace, values, option_string)


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line, without the usage before it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in (None, "store"):
            self.register("action", name, _Once)

    def error(self, message: str):
        if "expected one argument" in message:
            message += " (a number above 0, such as 5.76e23 or 70B)"
        # What was typed is shown as UserError shows it: on one line, without terminal codes.
        self.exit(2, f"error: {UserError(message)}; see {self.prog} --help\n")


@dataclass(frozen=True)
class Job:
    """What a rule hands to its program."""

    spec: Any  # the job's slice of the study, as its rule cuts it
    code: str  # digest of the code that makes its result
    wildcards: SimpleNamespace  # the rule's, by name
    # input, output: the rule's files by name, a path or a list of them
    input: SimpleNamespace
    output: SimpleNamespace
    log: str | None = None  # file of its lines of progress, None for none
    # what the program asks for beside these, by name: it makes no result stale
    options: SimpleNamespace = field(default_factory=SimpleNamespace)
    # likewise, of this job and not of all that its rule runs
    beside: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def say(self) -> Callable[[str], None]:
        """A function that writes a line of progress, with the job's name, to stderr and the log."""
        named = (Path(sys.argv[0]).stem, getattr(self.wildcards, "domain", ""))
        return progress(" ".join(named).strip(), self.log)

    @property
    def made(self) -> str:
        """What it makes, as people know it: its first file, or the folder of several."""
        first = next(iter(vars(self.output).values()), sys.argv[0])
        return first if isinstance(first, str) else str(Path(first[0]).parent)


def run(main: Callable[[Job], None], *options: str, **defaults: str) -> None:
    """Call `main(job)`; whatever ends it early becomes one line on stderr, the log and the faults.

    The command line is one argument, the job as JSON (`Told`), and `--log FILE` (progress goes
    there too), `--faults FILE` (the error line is appended there, for the workflow to repeat at the
    end), `--ends PID` (a fault interrupts that process, as Ctrl-C would: nothing that is left to do
    would be of use) and `--NAME VALUE` for each of `options`, and of `defaults` where it differs.
    Exit status: 2 for what the user can mend, 128 + n for signal n, 1 for what nobody foresaw: its
    traceback goes to the log.
    """
    parser = OneLineParser(description=sys.modules["__main__"].__doc__, allow_abbrev=False)
    parser.add_argument("job", type=json.loads)
    for name in options:
        parser.add_argument(f"--{name.replace('_', '-')}", required=True)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", default=value)
    parser.add_argument("--log")
    parser.add_argument("--faults")
    parser.add_argument("--ends", type=int)
    args = parser.parse_args()
    files = {part: SimpleNamespace(**args.job[part]) for part in ("wildcards", "input", "output")}
    own = SimpleNamespace(**{name: getattr(args, name) for name in (*options, *defaults)})
    spec = args.job["spec"] | args.job["cell"] if args.job["cell"] else args.job["spec"]
    beside = args.job.get("beside", {})
    job = Job(spec, args.job["code"], **files, log=args.log, options=own, beside=beside)
    install()
    quiet = bool(args.log and os.environ.get(QUIET))
    if quiet:
        _into(args.log)
    trace = ""
    try:
        main(job)
        return
    except UserError as fault:
        line, status = str(fault), 2
    except Stopped as stopped:
        line, status = f"{job.made}: {_ended(stopped)}", 128 + stopped.number
    except (Exception, SystemExit) as fault:
        # What a user's model or a library ends with sys.exit(0) has made nothing.
        line, status = describe(fault), 2
        if line is None:
            trace = traceback.format_exc()
            where = f"its traceback is in {args.log}" if args.log else "its traceback stands above"
            line, status = f"{_unexpected(fault)}; {where}", 1
        line = f"{job.made}: {line}"
    line = f"error: {' '.join(line.splitlines())}\n"
    with suppress(OSError):
        if not quiet:  # it would be in the log twice
            sys.stderr.write((trace if not args.log else "") + line)
    for path, text in ((args.log, trace + line), (args.faults, line)):
        if path:
            # A full disk may be the very fault.
            with suppress(OSError), open(path, "a", encoding="utf-8") as stream:
                stream.write(text)
    if args.ends and status < 128:
        os.kill(args.ends, signal.SIGINT)
    sys.exit(status)


class Told(str):
    """A job as programs take it, JSON in one line, as a rule's parameter.

    Formatted it is all of it. Snakemake compares its `repr`, which is what makes a result stale and
    no other thing is compared for: not the files, in whatever order, nor what stands beside. What
    the trainings of a domain share is one text for all of them: in 10,000 jobs, 6 MB.
    """

    __slots__ = ("shared",)

    def __new__(
        cls,
        shared: str,
        cell: str,
        input: Mapping,
        output: Mapping,
        beside: Mapping | None = None,
    ) -> Told:
        """shared: JSON of `spec`, `code` and `wildcards`; cell: of what the job's spec has beside,
        `{}` for nothing; beside: of `Job.beside`."""
        told = {"input": input, "output": output} | ({"beside": beside} if beside else {})
        files = json.dumps(told, separators=(",", ":"))
        self = super().__new__(cls, f'"cell":{cell},{files[1:]}')
        self.shared = shared
        return self

    def __format__(self, form: str) -> str:
        return self.shared[:-1] + "," + self

    def __str__(self) -> str:
        return format(self)

    def __repr__(self) -> str:
        cell, _ = json.JSONDecoder().raw_decode(self, len('"cell":'))
        return repr(self.shared + json.dumps(cell))


def shared(spec: str, code: str, **wildcards: str) -> str:
    """The part of a job that several may share; spec: JSON already."""
    rest = json.dumps({"code": code, "wildcards": wildcards}, separators=(",", ":"))
    return f'{{"spec":{spec},{rest[1:]}'


def describe(fault: BaseException, again: str = "run snakemake again") -> str | None:
    """What went wrong with the machine, and what to do; None for what is a fault of the program.

    again: what to do when that is mended.
    """
    words = f"{type(fault).__name__}: {fault}".lower()
    if isinstance(fault, MemoryError) or any(said in words for said in OUT_OF_MEMORY):
        detail = str(fault).strip().splitlines()[0] if str(fault).strip() else "no more to allocate"
        return (
            f"out of memory ({detail}): make batch_size or the size smaller, run fewer jobs at "
            f"once, or use a machine with more; {again} to go on"
        )
    if isinstance(fault, OSError) and fault.errno in DISK:
        where = f"{fault.filename}: " if fault.filename else ""
        return f"{where}{fault.strerror or fault}; {DISK[fault.errno]}; then {again}"
    return None


def full_disk(folder: str) -> str:
    """A line on the disk of a folder if it is full, else nothing: no program could say so in a file
    on it."""
    with suppress(OSError):
        disk = os.statvfs(folder)
        free = disk.f_bavail * disk.f_frsize
        if free < SPARE or (disk.f_files and not disk.f_favail):
            whole = disk.f_blocks * disk.f_frsize
            return (
                f"error: {Path(folder).resolve()}: the disk is full ({free / 1e3:,.0f} kB and "
                f"{disk.f_favail:,} files free of {whole / 1e9:,.3f} GB): free some space, then "
                "run snakemake again; what was trained is kept\n"
            )
    return ""


def _ended(stopped: Stopped) -> str:
    kept = stopped.kept or "nothing half-made is left"
    return f"ended by {stopped.name} before it was done; {kept}; run snakemake again to go on"


def _unexpected(fault: BaseException) -> str:
    if isinstance(fault, SystemExit):
        return f"something called sys.exit({fault.code!r}) before it was done (your own model?)"
    text = str(fault).strip()
    first = f": {text.splitlines()[0]}" if text else ""
    return (
        f"an unexpected {type(fault).__name__}{first} (a fault of alphascale, or of your own model)"
    )


def _into(log: str) -> None:
    """Send what this process and its libraries write to stdout and stderr into its log."""
    with suppress(OSError):  # a full disk will be told where it matters
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        for number in (1, 2):
            os.dup2(stream, number)
        os.close(stream)


def progress(job: str, log: str | None) -> Callable[[str], None]:
    """A function that writes a line of progress, with the job's name, to stderr and the log."""
    started = time.monotonic()
    quiet = bool(log and os.environ.get(QUIET))
    guessed = False
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text("", encoding="utf-8")

    def say(text: str) -> None:
        nonlocal guessed
        if not guessed and LEFT.search(text):
            text, guessed = LEFT.sub("", text), True
        line = f"[{job}] {time.monotonic() - started:6.1f} s  {text}"
        # No training ends for want of a line: a killed workflow leaves its jobs without a reader,
        # and a full disk will be told where it matters.
        with suppress(OSError):
            if not quiet:
                print(line, file=sys.stderr, flush=True)
        if log:
            with suppress(OSError), open(log, "a", encoding="utf-8") as stream:
                stream.write(line + os.linesep)

    return say
