"""All domains' plans: a page that is printed, and a fragment of YAML that trains them."""

from pathlib import Path

from alphascale.errors import UserError
from alphascale.planning.text import fragment, nothing_planned, text
from alphascale.records.files import replacing
from alphascale.records.plan import PlanRecord
from alphascale.records.typed import read
from alphascale.running import program


def main(args):
    plans = [read(path, PlanRecord) for path in args.plans]
    if reason := nothing_planned(plans):
        raise UserError(reason)
    with replacing(args.fragment) as temporary:
        temporary.write_text(fragment(plans, Path(args.fragment)), encoding="utf-8")
    with replacing(args.text) as temporary:
        temporary.write_text(text(plans, Path(args.fragment)), encoding="utf-8")
    print("\n" + text(plans, Path(args.fragment)), end="")


program.run(main, program.arguments(__doc__, "fragment", "text", many=("plans",)))
