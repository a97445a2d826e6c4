"""Check a study's file, in one line: whether it is one that the workflow would take.

    python workflow/scripts/check_study.py my-study.yaml

A file that is given by --configfile Snakemake reads before the workflow may look at it, and where
it cannot, ends in a traceback. From the folder that snakemake runs in, since paths are of it.
"""

import argparse
import sys
from pathlib import Path

import yaml
from alphascale.config import refuse_code
from alphascale.errors import UserError
from alphascale.slices import cells, folder
from alphascale.study import load_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="the study, in YAML or JSON")
    path = parser.parse_args().file
    try:
        refuse_code(path)
        study = load_study(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
    except UserError as fault:
        sys.exit(f"error: {fault}")
    jobs = sum(len(list(cells(study, name))) for name in study.domains)
    names = ", ".join(study.domains)
    print(f"{path}: a study of {names}, {jobs} trainings in {folder(study)}")


main()
