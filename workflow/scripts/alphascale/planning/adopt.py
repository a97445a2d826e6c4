"""Adopt a plan: the runs that `snakemake plan` wrote, merged into the study before it is validated.

Read while the Snakefile is parsed, so it imports neither torch nor pandas.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError

AGAIN = "run `snakemake --cores all -f plan` anew"


def adopt(config: dict[str, Any]) -> dict[str, list[str]]:
    """Where `config` says `plan: apply`, add the plan's runs to it, in place.

    Returns the scales added, by domain; empty where the study adopts no plan. Raises UserError, one
    line, where there is no plan or the plan is not of this study.
    """
    if config.get("plan") != "apply":
        return {}
    root = Path(str(config.get("results", "results"))).expanduser()
    path = root / str(config.get("run", "default")) / "plan.yaml"
    try:
        import yaml

        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
        domains = plan["domains"].items()
    except FileNotFoundError:
        raise UserError(
            f"plan: apply: there is no plan at {path}: run `snakemake --cores all plan` first, "
            "with `-f` if it says that nothing is to be done"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        raise UserError(f"plan: apply: {path} is not a plan: {AGAIN}") from None
    return {name: _merge(config, name, part, path) for name, part in domains}


def _merge(config: dict[str, Any], name: str, part: dict[str, Any], path: Path) -> list[str]:
    """Add one domain's planned scales to the configuration; those it has already stay."""
    task = (config.get("domains") or {}).get(name)
    if not isinstance(task, dict) or not isinstance(task.get("ladder"), dict):
        raise UserError(f"plan: apply: {path} plans for domain {name}, not in this study: {AGAIN}")
    added = []
    for scale, size in part["ladder"].items():
        if task["ladder"].get(scale, size) != size:
            raise UserError(
                f"plan: apply: {path} plans {name} {scale} as {size}, and the study has another "
                f"size of that name: {AGAIN}"
            )
        if scale not in task["ladder"]:
            task["ladder"][scale] = size
            task.setdefault("runs", {})[scale] = part["runs"][scale]
            if isinstance(task.get("only"), list):
                task["only"].append(scale)
            added.append(scale)
    return added
