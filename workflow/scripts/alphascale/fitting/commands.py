"""`alphascale labels`: how many labels one domain of a study saves beside another."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UserError


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    command = subparsers.add_parser(
        "labels", help="labels that one domain of a study saves beside another, at equal error"
    )
    command.add_argument("results", help="folder of the study's results, as results/pretrained")
    command.add_argument("cheap", help="domain that is to save, as the fine-tuned one")
    command.add_argument("dear", help="domain that it is set beside, as the one from scratch")
    command.add_argument("--level", type=float, default=0.95, help="coverage of the interval")
    command.set_defaults(run=show_labels)


def show_labels(args: argparse.Namespace) -> None:
    from ..records.observations import read_frame
    from .labels_saved import labels_saved, text

    if not 0 < args.level < 1:
        raise UserError(f"--level: {args.level:g} is no share in (0, 1)")
    frames = []
    for domain in (args.cheap, args.dear):
        table = Path(args.results, "observations", f"{domain}.csv")
        if not table.exists():
            raise UserError(f"{table}: is not there: give the folder of a study that has trained")
        frames.append(read_frame(table))
    print(text(labels_saved(*frames, level=args.level), args.cheap, args.dear, args.level))
