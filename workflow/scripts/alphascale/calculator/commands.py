"""`alphascale calc …`: the calculator on the command line.

Every command prints a table to read, or JSON with --json. A request that cannot be met ends in one
line on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from alphascale.calculator import answers, strategies
from alphascale.calculator.answers import FIGURES, POINT
from alphascale.calculator.historical import COMPARED
from alphascale.calculator.kaplan import DEFAULT
from alphascale.calculator.known_laws import ALIASES, law_names
from alphascale.errors import UserError
from alphascale.literature.published import PF_DAY
from alphascale.running.program import OneLineParser

SUFFIXES = {"k": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}
HELP = {
    "params": "N, parameters",
    "tokens": "D, tokens seen in training",
    "flops": "C = 6·N·D, FLOP",
    "unique": "U, unique tokens (law data-constrained)",
    "batch": "B, tokens per step",
    "steps": "S, optimiser steps",
    "min_steps": "S_min, steps at an infinite batch",
    "min_flops": "C_min, FLOP at a batch far below the critical one",
    "loss": "loss in nats per token",
}


def number(text: str) -> float:
    """A positive number: 1.75e11, or with a suffix k, M, B (or G), T: 175B."""
    scale = SUFFIXES.get(text[-1:], 1.0)
    try:
        value = float(text[:-1] if text[-1:] in SUFFIXES else text) * scale
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number; write 5.76e23, or 70B (suffixes k, M, B, T)"
        ) from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, got {text}")
    return value


def pf_days(text: str) -> float:
    """PF-days to FLOP."""
    return number(text) * PF_DAY


def register(subparsers) -> None:
    """Add `calc` and its commands to an argparse subparsers object.

    Each sets run=function(args), which prints its answer or raises UserError.
    """
    calc = subparsers.add_parser(
        "calc",
        help="numbers and allocations from the laws of the literature, or from a saved fit",
        description="Laws: " + ", ".join([*law_names(), *ALIASES]) + ", or a saved fit (fit.json).",
    )
    commands = calc.add_subparsers(
        dest="calc_command", required=True, metavar="command", parser_class=OneLineParser
    )

    def command(name: str, summary: str, answer) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=summary, description=summary)
        parser.add_argument("--json", action="store_true", help="print JSON, at full precision")
        parser.set_defaults(run=_show, answer=answer)
        return parser

    command("laws", "list the laws, what each needs and where it comes from", answers.laws)

    loss = command("loss", "predict a loss at a point", answers.loss)
    _law(loss)
    _point(loss)

    solve = command("solve", "find the N, D or C that gives a loss", answers.solve)
    _law(solve)
    solve.add_argument(
        "--for", dest="variable", required=True, choices=("params", "tokens", "flops", "min_steps")
    )
    solve.add_argument("--loss", type=number, required=True, help=HELP["loss"])
    _point(solve, ("params", "tokens", "unique", "min_steps"))

    split = command("allocate", "share a budget between N and D", answers.split)
    split.add_argument("--law", nargs="+", default=COMPARED, help="one or more laws; default: all")
    _flops(split, required=True)
    _point(split, ("unique",))
    split.add_argument(
        "--around", type=number, metavar="FACTOR",
        help="of one law: beside its optimum, FACTOR times its N, and FACTOR times its D",
    )  # fmt: skip

    versus = command("compare", "hold models against each law's own allocation", answers.versus)
    versus.add_argument(
        "models", nargs="?",
        help="CSV with name, params, tokens and, optionally, flops and loss; default: GPT-2, "
        "GPT-3, Gopher, Chinchilla",
    )  # fmt: skip
    versus.add_argument("--law", nargs="+", default=COMPARED, help="one or more laws; default: all")
    versus.add_argument(
        "--measured", action="store_true",
        help="in place of a file: GPT-2 and Cerebras-GPT, whose losses were published",
    )  # fmt: skip

    better = command(
        "improvement",
        "what a change from one run to another gains, or what a wanted gain takes",
        answers.improve,
    )
    _law(better)
    _point(better)
    _point(better, ("params", "tokens", "flops", "batch", "steps", "min_steps"), "to-")
    better.add_argument("--target", type=number, help="wanted loss, nats")
    better.add_argument("--by-percent", type=number, help="wanted reduction, per cent of the loss")
    better.add_argument("--by-nats", type=number, help="wanted reduction, nats")

    critical = command("critical-batch", "the critical batch size at a loss", answers.critical)
    critical.add_argument("--loss", type=number, required=True, help=HELP["loss"])

    steps = command("steps", "S_min, E_min, steps at a batch, C_min, early stopping", answers.steps)
    steps.add_argument("--loss", type=number, required=True, help=f"final {HELP['loss']}")
    _point(steps, ("params", "tokens", "batch", "steps", "flops"))

    ways = command("strategies", "several ways to spend one true cost", answers.ways)
    _flops(ways, required=True)
    ways.add_argument("--params", nargs="+", type=number, default=(), help="sizes to train")
    ways.add_argument("--batch", type=number, help="B, tokens; default: critical batch")

    curve = command("curve", "the loss over the steps of one training run", answers.curve)
    for name in ("params", "tokens", "steps"):
        curve.add_argument(f"--{name}", type=number, required=True, help=HELP[name])
    curve.add_argument(
        "--batch", type=number, default=strategies.BATCH, help="B, tokens; default: 2^19"
    )
    curve.add_argument("--points", type=int, default=20, help="lines of the table (default 20)")

    figure = command(
        "figure", "draw a figure of the published laws (needs matplotlib)", answers.figure
    )
    figure.add_argument("name", choices=FIGURES, help="which")
    figure.add_argument("--out", required=True, help="file to write, .png or .svg")
    figure.add_argument("--tokens", nargs="+", type=number, help="D of loss_over_params")
    figure.add_argument("--params", nargs="+", type=number, help="N of loss_over_tokens")
    _flops(figure)


def _law(parser) -> None:
    parser.add_argument(
        "--law", default=DEFAULT,
        help=f"a published law, or a saved fit (fit.json); default: Kaplan's, {DEFAULT}",
    )  # fmt: skip


def _point(parser, names: Sequence[str] = POINT, prefix: str = "") -> None:
    for name in names:
        if name in ("flops", "min_flops"):
            _flops(parser, prefix=prefix, name=name)
        else:
            flag = f"--{prefix}{name.replace('_', '-')}"
            parser.add_argument(flag, type=number, help=HELP[name])


def _flops(parser, required: bool = False, prefix: str = "", name: str = "flops") -> None:
    """--flops or --pf-days, into one place."""
    either = parser.add_mutually_exclusive_group(required=required)
    dest = f"{prefix}{name}".replace("-", "_")
    for unit, kind in (("flops", number), ("pf-days", pf_days)):
        flag = f"--{prefix}{name.replace('flops', unit).replace('_', '-')}"
        note = "" if unit == "flops" else " in PF-days (8.64e19 FLOP each)"
        either.add_argument(flag, dest=dest, type=kind, help=HELP[name] + note)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `calc` on its own; returns the exit status (0, or 2 after one line on stderr)."""
    parser = OneLineParser(prog="alphascale")
    register(parser.add_subparsers(dest="command", required=True, metavar="command"))
    args = parser.parse_args(["calc", *(sys.argv[1:] if argv is None else argv)])
    try:
        args.run(args)
    except UserError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    return 0


def _show(args: argparse.Namespace) -> None:
    data, text = args.answer(args)
    print(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) if args.json else text)


if __name__ == "__main__":
    sys.exit(main())
