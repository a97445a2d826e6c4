"""Look whether a budget buys the first round of a study, for the workflow that is about to train.

    python afford.py '{"spec": …, "cells": {"DOMAIN": [[SCALE, FRACTION, MEMBERS], …]},
                       "metas": {"DOMAIN": PATH}, "gpu": false}'

Prints ENOUGH at the end.
"""

import json
import sys

from alphascale.errors import UserError
from alphascale.records.data import read_prepared
from alphascale.records.rounds import RoundSpec
from alphascale.records.typed import parse
from alphascale.rounds.afford import check_budget

asked = json.loads(sys.argv[1])
try:
    metas = {name: read_prepared(path) for name, path in asked["metas"].items()}
    spec = parse(RoundSpec, asked["spec"], "the slice of the first round")
    check_budget(spec, asked["cells"], metas, asked["gpu"])
except UserError as fault:
    sys.exit(f"error: {fault}")
print("ENOUGH")
