"""All domains' plans: a page that is printed, and a fragment of YAML that trains them."""

from pathlib import Path

from alphascale.errors import UserError
from alphascale.planning.text import fragment, nothing_planned, text
from alphascale.records.files import write_text
from alphascale.records.plan import PlanRecord
from alphascale.records.typed import read
from alphascale.running import program

# What trains a plan of the default study; the rule says what it is of another.
PLAIN = "snakemake --cores all --config plan=apply"


def main(job):
    plans = [read(path, PlanRecord) for path in job.input.plans]
    # Beside the page, undeclared: rules/plan.smk says why.
    yaml = Path(job.output.text).with_suffix(".yaml")
    if reason := nothing_planned(plans):
        raise UserError(reason)
    write_text(yaml, fragment(plans, yaml))
    page = text(plans, yaml, job.options.apply)
    write_text(job.output.text, page)
    print("\n" + page, end="")


program.run(main, apply=PLAIN)
