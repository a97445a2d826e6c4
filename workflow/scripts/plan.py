"""All domains' plans: a page that is printed, and a fragment of YAML that trains them."""

from pathlib import Path

from alphascale.errors import UserError
from alphascale.planning.text import fragment, nothing_planned, text
from alphascale.records.files import read_json, replacing
from alphascale.running import program


def main(job):
    plans = [read_json(path) for path in job.input.plans]
    # Beside the page, undeclared: rules/plan.smk says why.
    yaml = Path(job.output.text).with_suffix(".yaml")
    if reason := nothing_planned(plans):
        raise UserError(reason)
    with replacing(yaml) as temporary:
        temporary.write_text(fragment(plans, yaml), encoding="utf-8")
    with replacing(job.output.text) as temporary:
        temporary.write_text(text(plans, yaml), encoding="utf-8")
    print("\n" + text(plans, yaml), end="")


program.run(main)
