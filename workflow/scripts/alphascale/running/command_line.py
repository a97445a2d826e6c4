"""Snakemake's command line, put right before Snakemake reads it.

The default profile calls this. Snakemake's `--configfile` and `--config` take every word up to the
next option, a target too, and then end in a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from ..errors import first_line

FILES = ("--configfile", "--configfiles")
SETTINGS = ("--config", "-C")
FORCED = ("-F", "--forceall", "-f", "--force")
# A command is started once more, never twice: whatever is still wrong then is Snakemake's to say.
AGAIN = "ALPHASCALE_AGAIN"


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
    """The words without what forces jobs to run (-F, -f, -R and their long names)."""
    kept, rules = [], False
    for word in words:
        if word.startswith("-"):
            rules = word in ("-R", "--forcerun")
            if rules or word in FORCED or word.startswith("--forcerun="):
                continue
        elif rules:
            continue
        kept.append(word)
    return kept


def again() -> None:
    """Start this very command anew, in this process; what it forced to run has run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *unforced(sys.orig_argv[1:])])


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
