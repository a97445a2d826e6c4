"""Draw the study's summary table as a picture."""

from alphascale.plots.style import save
from alphascale.plots.table import draw
from alphascale.records import typed
from alphascale.records.decision import DecisionRecord
from alphascale.running import program


def main(args):
    figure = draw([typed.read(path, DecisionRecord) for path in args.decisions])
    for path in args.out:
        save(figure, path)


program.run(main, program.arguments(__doc__, many=("decisions", "out")))
