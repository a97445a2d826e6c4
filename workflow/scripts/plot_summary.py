"""Draw the study's summary table as a picture."""

from alphascale.plots.style import save
from alphascale.plots.table import draw
from alphascale.records.files import read_json
from alphascale.running import program


def main(args):
    figure = draw([read_json(path) for path in args.decisions])
    for path in args.out:
        save(figure, path)


program.run(main, program.arguments(__doc__, many=("decisions", "out")))
