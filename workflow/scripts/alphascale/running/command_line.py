"""Snakemake's command line, put right before Snakemake reads it.

The default profile calls this. Snakemake's `--configfile` and `--config` take every word up to the
next option, a target too, and then end in a traceback.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from ..errors import first_line

FILES = ("--configfile", "--configfiles")
SETTINGS = ("--config", "-C")
# Of Snakemake's one-letter options those without a value, which may stand before others: -pF.
ALONE = "npkFftDSvh"
# A command is started once more, never twice: whatever is still wrong then is Snakemake's to say.
AGAIN = "ALPHASCALE_AGAIN"
# Set for jobs that are forced to run: they then train what has its record already.
FORCING = "ALPHASCALE_FORCED"


def targets_first(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The targets that an option would swallow, and the other words in their order.

    Of several words after `--configfile` the first is a study's file, and so is what ends as one:
    .yaml, .yml, or .json outside `results/`. After `--config` a setting has a `=`.
    """
    targets, kept, option, place = [], [], "", 0
    for i, word in enumerate(words):
        if word == "--":
            return targets, [*kept, *words[i:]]
        if word.startswith("-"):
            option, place = word, i
        swallowed = (option in FILES and i > place + 1 and not _is_study(word)) or (
            option in SETTINGS and i > place and "=" not in word
        )
        (targets if swallowed else kept).append(word)
    return targets, kept


def _is_study(word: str) -> bool:
    results = os.path.normpath(word).startswith("results/")
    return word.endswith((".yaml", ".yml")) or (word.endswith(".json") and not results)


def missing_files(words: Sequence[str]) -> list[str]:
    """The studies' files that are not there."""
    missing, option = [], ""
    for word in words:
        if word.startswith("-"):
            option = word
        elif option in FILES and not os.path.exists(word):
            missing.append(word)
    return missing


def put_right() -> None:
    """Start this process's command once more with its targets first, where an option swallowed
    them; end it in one line where a study's file is not there."""
    words = sys.argv[1:]
    before = sys.orig_argv[: len(sys.orig_argv) - len(words)]
    if not called():
        return
    targets, kept = targets_first(words)
    for path in missing_files(kept):
        sys.exit(f"error: --configfile {path}: there is no such file: name a study's YAML")
    if targets and AGAIN not in os.environ:
        shown = " ".join(targets)
        print(f"{shown}: read as what to make, for no option takes it", file=sys.stderr, flush=True)
        again = [sys.executable, *before[1:], *targets, *kept]
        os.execve(sys.executable, again, {**os.environ, AGAIN: "1"})
    os.environ.pop(AGAIN, None)


def called() -> bool:
    """Whether this process is a command that can be started again, not Snakemake under Python."""
    words = sys.argv[1:]
    before = sys.orig_argv[: len(sys.orig_argv) - len(words)]
    return sys.orig_argv[len(before) :] == words and "snakemake" in before[-1]


def unforced(words: Sequence[str]) -> list[str]:
    """The words without what forces jobs to run (-F, -f, -R, their long names however shortened,
    and any of them behind other letters)."""
    kept, rules = [], False
    for i, word in enumerate(words):
        if word == "--":
            return [*kept, *words[i:]]
        if not word.startswith("-"):
            if not rules:
                kept.append(word)
            continue
        rules = False
        if word.startswith("--force"):  # --force, --forceall, --forcerun RULE …
            rules = word.startswith("--forcer") and "=" not in word
        elif word.startswith("--") or word == "-":
            kept.append(word)
        else:
            left, rules = _unforced_letters(word[1:])
            kept += [f"-{left}"] if left else []
    return kept


def _unforced_letters(letters: str) -> tuple[str, bool]:
    """One-letter options without those that force, and whether names of rules follow them."""
    kept = ""
    for i, letter in enumerate(letters):
        if letter == "R":
            return kept, i + 1 == len(letters)
        if letter not in ALONE:  # what follows is its value
            return kept + letters[i:], False
        kept += "" if letter in "Ff" else letter
    return kept, False


def start_again() -> None:
    """Once this process has ended all else, start its very command anew in it; what it forced to
    run has run. A signal that comes by then ends it instead: while the interpreter shuts down,
    Ctrl-C would be ignored."""
    atexit.register(_again)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def _again() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ.pop(FORCING, None)
    os.execv(sys.executable, [sys.executable, *unforced(sys.orig_argv[1:])])


def _end(number: int, frame: object) -> None:
    atexit.unregister(_again)
    name = signal.Signals(number).name
    print(f"ended by {name} between two rounds; run the same command to go on", file=sys.stderr)
    end_with(128 + number)


def end_with(status: int) -> None:
    """Have this process end with a status, whatever Snakemake's own is, once it has given its lock
    back."""

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    atexit.register(end)


def takes_all_cores(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether neither the command nor a profile of its own says how many cores to take, or where
    jobs are submitted to."""
    said = ("--profile", "--executor", "-e", "--cores", "-c", "--jobs", "-j")
    return "SNAKEMAKE_PROFILE" not in environment and not any(
        word.split("=")[0] in said or word[:2] in ("-c", "-j") for word in words
    )


def show_plugin() -> bool:
    """Make the logger plugin beside this package known to Snakemake, which by itself looks among
    what was on its path when it was started, and may have found another clone's; whether that went
    well, said in a line where not."""
    name = "snakemake_logger_plugin_alphascale"
    try:
        sys.modules.pop(name, None)
        import snakemake_logger_plugin_alphascale as plugin
        from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

        LoggerPluginRegistry().register_plugin(name, plugin)
    except Exception as fault:  # another version's interface: the run matters more than its looks
        print(
            f"Snakemake shows the run in its own way, for {name} cannot be used: "
            f"{type(fault).__name__}: {first_line(fault)}",
            file=sys.stderr,
        )
        return False
    return True
