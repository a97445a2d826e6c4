"""`alphascale fit`, `predict`, `optimum`, `regimes`, `front`, `prior`: the engine on own files."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from alphascale.errors import UserError
from alphascale.fitting.learning import read_prior
from alphascale.fitting.saved import load
from alphascale.grids.allocation import FLOPS_PER, optimum_for_flops, optimum_for_target
from alphascale.grids.front import front
from alphascale.laws.api import fit
from alphascale.laws.forms import FORMS, get_form
from alphascale.laws.groups import Fits, group_keys
from alphascale.laws.losses import parse_loss
from alphascale.laws.options import MEANING
from alphascale.laws.result import Fit
from alphascale.records.files import replacing
from alphascale.tables.finished import run_prior
from alphascale.tables.reading import Table, read_csv, spare, with_numbers
from alphascale.tables.summary import (
    error_lines,
    far_lines,
    front_lines,
    optimum_lines,
    regime_lines,
    summary_lines,
    target_lines,
)
from alphascale.tables.where import where

FIT = (
    "JSON written by alphascale fit --out, or a study's bootstrap/{domain}.json (0.5:FILE for the "
    "law of that fraction, joint:FILE for that of N and D)"
)

SAVED = '"format": "alphascale-'  # by which a saved fit is told


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the six subcommands."""
    command = subparsers.add_parser("fit", help="fit a scaling law to the rows of a CSV")
    command.add_argument("runs", help="CSV with one row per run")
    command.add_argument("--x", required=True, help="column of the predictor, e.g. params")
    command.add_argument("--x2", help="column of a second predictor, e.g. tokens")
    command.add_argument("--x3", help="column of a third, the unique tokens of data_constrained")
    command.add_argument("--y", required=True, help="column of the response, e.g. loss")
    command.add_argument("--law", default="auto", help=f"auto (default), {', '.join(FORMS)}")
    command.add_argument("--group", help="columns that divide the rows, e.g. task,model")
    command.add_argument("--cluster", help="column naming each run's configuration (its seeds)")
    command.add_argument("--loss", help="squared, squared_log, huber[:delta] or huber_log[:delta]")
    command.add_argument(
        "--tested", type=int,
        help="samples that errors were counted on: then 0 errors are few, not none",
    )  # fmt: skip
    command.add_argument("--weights", help="column of weights")
    _published_options(command)
    command.add_argument("--level", type=float, default=0.95, help="of intervals (default .95)")
    command.add_argument("--resamples", type=int, default=1000, help="of the bootstrap")
    command.add_argument("--seed", type=int, default=0)
    _skip(command)
    command.add_argument("--prior", help="JSON of alphascale prior, for law auto")
    command.add_argument("--out", help="save the fit as JSON")
    command.set_defaults(run=run_fit)

    command = subparsers.add_parser("predict", help="predict the rows of a CSV from a saved fit")
    command.add_argument("fit", help=FIT)
    command.add_argument("points", help="CSV with the predictors (and group columns) of the fit")
    command.add_argument(
        "--y", help="column of what was observed: says the error of the predictions and how sure "
        "that is",
    )  # fmt: skip
    command.add_argument("--level", type=float, help="of the prediction intervals")
    command.add_argument("--out", help="CSV to write; left out, the rows are printed")
    _skip(command)
    command.set_defaults(run=run_predict)

    command = subparsers.add_parser("optimum", help="what a saved fit asks for")
    command.add_argument("fit", help=FIT)
    goal = command.add_mutually_exclusive_group(required=True)
    goal.add_argument("--target", type=float, help="the response to reach")
    goal.add_argument("--flops", type=float, help="the training budget to divide between N and D")
    command.add_argument(
        "--confidence", type=float,
        help="with which one run should reach the target (default .9), of one predictor",
    )  # fmt: skip
    command.add_argument("--unique", type=float, help="unique tokens, for data_constrained")
    command.add_argument("--flops-per", type=float, default=FLOPS_PER,
                         help="training FLOPs per parameter and token (default 6)")  # fmt: skip
    command.set_defaults(run=run_optimum)

    command = subparsers.add_parser(
        "regimes", help="what limits the runs of a CSV along each of two axes: variance, resolution"
    )
    command.add_argument("runs", help="CSV with one row per run, both axes varied")
    command.add_argument("--x", required=True, help="column of one axis, e.g. params")
    command.add_argument("--x2", required=True, help="column of the other, e.g. samples")
    command.add_argument("--y", required=True, help="column of the loss")
    command.add_argument("--seeds", help="column naming the seed, whose luck is taken out")
    command.add_argument(
        "--exponents", nargs=2, type=float, default=(1.0, 1.0), metavar=("OF_X", "OF_X2"),
        help="what x and x2 show when variance-limited (default 1 1; .5 for the parameters of a "
        "network that only widens)",
    )  # fmt: skip
    command.add_argument("--level", type=float, default=0.95, help="of intervals (default .95)")
    _skip(command)
    command.add_argument("--figure", help="draw what it rests on, as .png or .svg")
    command.set_defaults(run=run_regimes)

    command = subparsers.add_parser(
        "front", help="the law of the loss in compute, along the front of a CSV's runs"
    )
    command.add_argument("runs", help="CSV with one row per run")
    command.add_argument("--flops", default="flops", help="column of training FLOPs")
    command.add_argument("--y", required=True, help="column of the loss")
    command.add_argument("--cell", help="columns that name a run's configuration, e.g. params,data")
    command.add_argument("--law", default="auto", help="auto (default), power, power_floor, …")
    command.add_argument("--level", type=float, default=0.95, help="of intervals (default .95)")
    _skip(command)
    command.add_argument("--out", help="save the law as JSON, for predict and optimum")
    command.set_defaults(run=run_front)

    command = subparsers.add_parser("prior", help="learn a prior from your finished studies")
    command.add_argument("studies", nargs="+", help="folders of studies, e.g. results/*")
    command.add_argument("--out", required=True, help="JSON to write; fit --prior and fit.prior")
    command.set_defaults(run=run_prior)


def _published_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("options of the laws m1 to m4, by their published names")
    for name, meaning in MEANING.items():
        flags = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
        if name.startswith("update_"):
            kind = {"action": argparse.BooleanOptionalAction}
        else:
            kind = {"type": int if name == "max_iterations" else float, "metavar": "VALUE"}
        group.add_argument(*flags, dest=name, default=None, help=meaning, **kind)


def _read(args: argparse.Namespace, path: str) -> tuple[Table, list[str]]:
    """The rows of a CSV that --where leaves, and what is said of that."""
    table, told = read_csv(path), []
    for condition in args.where or ():
        table, line = where(table, condition)
        told.append(line)
    return table, told


def _skip(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--where", action="append", metavar="CONDITION",
        help='rows to take, as "Training == 1 and Seen Examples > 1e6"; given twice, both hold',
    )  # fmt: skip
    command.add_argument(
        "--skip-invalid", action="store_true",
        help="leave out rows whose cells are empty, no numbers, or not above 0, and say which",
    )  # fmt: skip


def run_fit(args: argparse.Namespace) -> None:
    spare(args.out, SAVED, args.runs)
    same = (
        "x2",
        "x3",
        "group",
        "cluster",
        "loss",
        "weights",
        "level",
        "resamples",
        "seed",
        "tested",
    )
    options = {name: getattr(args, name) for name in same}
    log = args.law == "auto" or parse_loss(args.loss or get_form(args.law).loss).log
    finite = [args.weights] if args.weights else []
    positive = [name for name in (args.x, args.x2, args.x3) if name]
    (positive if log and args.tested is None else finite).append(args.y)
    table, chosen = _read(args, args.runs)
    table, told = with_numbers(table, positive, finite, args.skip_invalid)
    asked = {name: v for name in MEANING if (v := getattr(args, name)) is not None}
    prior = read_prior(args.prior) if args.prior else None
    try:
        result = fit(
            table.columns, args.x, args.y, law=args.law, prior=prior, options=asked, **options
        )
    except UserError as error:
        raise UserError(f"{args.runs}: {error}") from None
    if args.out:  # first: who reads what is printed may stop early (`| head`)
        result.save(args.out)
    print("\n".join([*chosen, *summary_lines(result), *(f"warning: {line}" for line in told)]))
    if args.out:
        print(f"saved: {args.out}")


def run_predict(args: argparse.Namespace) -> None:
    spare(args.out, ",mean,lower,upper\n", args.fit, args.points)
    fitted = load(args.fit)
    group = fitted.group if isinstance(fitted, Fits) else ()
    one = next(iter(fitted.fits.values())) if group else fitted
    table, chosen = _read(args, args.points)
    observed = [args.y] if args.y else []
    table, told = with_numbers(table, [*one.columns, *observed], (), args.skip_invalid)
    frame = table.columns
    try:
        prediction = fitted.predict(frame, args.level)
    except UserError as error:
        raise UserError(f"{args.points}: {error}") from None
    head = [*group, *one.columns, "mean", "lower", "upper"]
    keys = group_keys(frame, group) if group else [()] * len(prediction.mean)
    points = zip(*[frame[c] for c in one.columns], strict=True)
    rows = [
        [*key, *point, *("" if np.isnan(v) else repr(float(v)) for v in numbers)]
        for key, point, *numbers in zip(keys, points, *prediction, strict=True)
    ]
    if args.out:
        with replacing(args.out) as temporary, temporary.open("w", newline="") as handle:
            csv.writer(handle).writerows([head, *rows])
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows([head, *rows])
    missing = fitted.without(frame) if group else []
    told += [f"no prediction for {reason}" for reason in missing]
    # Where the rows are printed, what is said of them must not get among them.
    aside = sys.stdout if args.out else sys.stderr
    if args.y:
        chosen += error_lines(prediction.mean, np.array(frame[args.y], float), args.y)
    for line in chosen:
        print(line, file=aside)
    for line in [*told, *far_lines(fitted, frame)]:
        print(f"warning: {line}", file=aside)
    if args.out:
        print(f"saved: {args.out} ({int(np.isfinite(prediction.mean).sum())} predictions)")


def run_optimum(args: argparse.Namespace) -> None:
    fitted = load(args.fit)
    fits = fitted.fits if isinstance(fitted, Fits) else {(): fitted}
    for key, one in fits.items():
        if key:
            print(f"{'/'.join(key)}:")
        print("\n".join(_optimum(one, args)))


def _optimum(one: Fit, args: argparse.Namespace) -> list[str]:
    if args.target is not None and len(one.columns) == 1:
        if args.unique is not None or args.flops_per != FLOPS_PER:
            raise UserError(
                "--unique and --flops-per belong to a law of N and D; this one is of "
                f"{one.columns[0]}"
            )
        return target_lines(one, args.target, 0.9 if args.confidence is None else args.confidence)
    if args.confidence is not None:
        raise UserError("--confidence belongs to a target of a law of one predictor: leave it out")
    options = {"unique": args.unique, "flops_per": args.flops_per}
    if args.target is not None:
        best = optimum_for_target(one, args.target, **options)
    else:
        best = optimum_for_flops(one, args.flops, **options)
    return optimum_lines(one, best)


def run_front(args: argparse.Namespace) -> None:
    spare(args.out, SAVED, args.runs)
    table, chosen = _read(args, args.runs)
    table, told = with_numbers(table, (args.flops, args.y), (), args.skip_invalid)
    cells = args.cell.split(",") if args.cell else None
    try:
        found = front(
            table.columns, args.flops, args.y, cells=cells, law=args.law, level=args.level
        )
    except UserError as error:
        raise UserError(f"{args.runs}: {error}") from None
    if args.out:
        found.law.save(args.out)
    lines = [*chosen, *front_lines(found, args.flops, args.y)]
    print("\n".join([*lines, *(f"warning: {line}" for line in told)]))
    if args.out:
        print(f"saved: {args.out}")


def run_regimes(args: argparse.Namespace) -> None:
    from alphascale.grids.regimes import regimes  # scipy.stats: .5 s that no other command needs

    if args.figure:
        if Path(args.figure).suffix not in (".png", ".svg"):
            raise UserError(f"--figure {args.figure}: name a file that ends in .png or .svg")
        try:  # the light install has no matplotlib
            from alphascale.plots.regimes import draw
            from alphascale.plots.style import save
        except ModuleNotFoundError as fault:
            raise UserError(
                f"--figure needs matplotlib ({fault}): pip install 'alphascale[plots]'"
            ) from None
    table, chosen = _read(args, args.runs)
    table, told = with_numbers(table, (args.x, args.x2), (args.y,), args.skip_invalid)
    try:
        found = regimes(
            table.columns, args.x, args.x2, args.y, seed=args.seeds, level=args.level,
            variance_exponent=tuple(args.exponents),
        )  # fmt: skip
    except UserError as error:
        raise UserError(f"{args.runs}: {error}") from None
    print(
        "\n".join(
            [*chosen, *regime_lines(found, args.level), *(f"warning: {line}" for line in told)]
        )
    )
    if args.figure:
        save(draw(found, args.y, args.level), args.figure)
        print(f"saved: {args.figure}")
