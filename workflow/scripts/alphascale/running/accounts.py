"""What Snakemake knows of results: it keeps in `.snakemake` what each file was made of, and takes a
file of which it has no account for one that is up to date, whatever the study asks by now."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path

KEPT = Path(".snakemake", "metadata")


def unaccounted(results: Path) -> list[str]:
    """Domains whose observations are there, and Snakemake does not know what they were made of: as
    of results that were copied or moved without their `.snakemake`. Paths as the rules write them.
    """
    return [
        path.stem
        for path in sorted(results.glob("observations/*.csv"))
        if not (KEPT / urlsafe_b64encode(str(path).encode()).decode()).exists()
    ]
