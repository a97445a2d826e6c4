"""The published table of αScale beside a study of its three tasks, and what is missing of it.

    python workflow/scripts/compare_published.py results/paper

Exit status 1 as long as a row is missing.
"""

import argparse
import sys

from alphascale.verifying.published_table import HEAD, compare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", default="results/paper", help="the study's results")
    rows, missing = compare(parser.parse_args().results)
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    for row in (HEAD, *rows):
        print("  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip())
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    sys.exit(1 if missing else 0)


main()
