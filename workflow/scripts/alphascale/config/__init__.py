"""The study as validated data: every key, its type, its bounds, its default and its meaning.

This folder is the one place where the configuration is defined. The JSON schema
(`workflow/schemas/config.schema.json`) and the reference in `config/README.md` are generated from
it by `workflow/scripts/document_config.py`; a test fails when they drift.

It imports neither torch nor pandas: the Snakefile parses it, and every cluster job parses again.
"""

from .base import NAME, Section
from .data import Data
from .domain import Domain
from .files import refuse_code, typed
from .reading import check_paths, read_study
from .study import Bootstrap, Costs, CurvesBenchmark, Fit, Planning, Rounds, Serving, Study, Verify
from .training import Runs, Target, Training

__all__ = [
    "NAME", "Bootstrap", "Costs", "CurvesBenchmark", "Data", "Domain", "Fit", "Planning", "Rounds",
    "Runs", "Section", "Serving", "Study", "Target", "Training", "Verify", "check_paths",
    "read_study", "refuse_code", "typed",
]  # fmt: skip
