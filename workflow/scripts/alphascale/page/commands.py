"""`alphascale compare`: two studies on one page, with what changed."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UserError
from ..tables.reading import spare
from .build import FORMAT, PAGE, read_page, write_page


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    command = subparsers.add_parser("compare", help="two studies on one page, with what changed")
    command.add_argument("first", help="folder of a study, e.g. results/default, or its study.html")
    command.add_argument("second", help="the same of another")
    command.add_argument("--out", default="compare.html", help="page to write (compare.html)")
    command.set_defaults(run=run_compare)


def run_compare(args: argparse.Namespace) -> None:
    pages = [_page(given) for given in (args.first, args.second)]
    spare(args.out, f"{FORMAT} of two", *map(str, pages))
    studies = []
    for given, page in zip((args.first, args.second), pages, strict=True):
        (study, *more) = read_page(page)
        if more:
            raise UserError(f"{page}: compares two studies already; give the page of one")
        studies.append(study | {"title": given})
    if all(len(study["domains"]) == 1 for study in studies):  # of two tables: named by their files
        studies[1]["domains"][0]["name"] = studies[0]["domains"][0]["name"]
    shared = {each["name"] for each in studies[0]["domains"]}
    both = shared & {each["name"] for each in studies[1]["domains"]}
    if not both:
        raise UserError(
            f"{args.first} and {args.second} have no domain of the same name: nothing to compare"
        )
    for name in sorted(both):
        one, two = (next(d for d in s["domains"] if d["name"] == name) for s in studies)
        for what, key in (("metric", "title"), ("costs", "currency")):
            if one[what][key] != two[what][key]:
                raise UserError(
                    f"{name}: {args.first} is decided in {one[what][key]}, {args.second} in "
                    f"{two[what][key]}: one target and one price do not serve both"
                )
    title = f"{args.first} beside {args.second}"
    write_page(args.out, title, studies, f"{title}: this page needs JavaScript.")
    print(f"saved: {args.out}")


def _page(given: str) -> Path:
    """The page that a study left, by its folder or its own path."""
    path = Path(given)
    page = path / PAGE if path.is_dir() else path
    if not page.is_file():
        raise UserError(
            f"{page}: is not there; `snakemake --cores all` makes it of a study, `alphascale "
            "decide` of a table of runs"
        )
    return page
