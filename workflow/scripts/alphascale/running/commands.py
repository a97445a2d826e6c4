"""`alphascale run`: a study, or some of its runs, with other epochs, batches, device or folder."""

from __future__ import annotations

import argparse


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    command = subparsers.add_parser("run", help="train a study, or some of its runs")
    command.add_argument("study", nargs="?", default="config/config.yaml", help="its YAML file")
    command.add_argument("--domains", help="only these, e.g. language,language_bk")
    command.add_argument("--scales", help="only these sizes' training records, e.g. d64-l4")
    command.add_argument("--quick", action="store_true", help="the study's quick test")
    command.add_argument("--epochs", type=int, help="in place of the study's")
    command.add_argument("--batch-size", type=int, help="in place of the study's")
    command.add_argument("--device", choices=("auto", "cpu", "cuda"))
    command.add_argument("--results", help="folder that results go to (default results)")
    command.add_argument("--name", help="of the run: a folder below it")
    command.add_argument("--cores", type=int, help="at most so many (default all)")
    command.add_argument("-n", "--dry-run", action="store_true", help="say what would run")
    command.set_defaults(run=run_study)


def run_study(args: argparse.Namespace) -> None:
    from ..pipeline import run  # reads every family and source: not for the other commands

    done = run(
        args.study,
        domains=args.domains and args.domains.split(","),
        scales=args.scales and args.scales.split(","),
        quick=args.quick, epochs=args.epochs, batch_size=args.batch_size, device=args.device,
        results=args.results, name=args.name, cores=args.cores, dry=args.dry_run,
    )  # fmt: skip
    print(f"results: {done.folder}")
