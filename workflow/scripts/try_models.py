"""Try every size of users' own models on prepared data, for the workflow that is about to train.

    python try_models.py '{"DOMAIN": {"family": …, "sizes": {"SCALE": {…}}, "meta": PATH}}'

Prints TRIED at the end, so that a model that ends its process is not taken for one that is right.
"""

import json
import sys

from alphascale.errors import UserError
from alphascale.records.data import read_prepared
from alphascale.running.trial import try_model

try:
    for name, task in json.loads(sys.argv[1]).items():
        try_model(name, task["family"], task["sizes"], read_prepared(task["meta"]))
except UserError as fault:
    sys.exit(f"error: {fault}")
print("TRIED")
