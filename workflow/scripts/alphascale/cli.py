"""The `alphascale` command: a dispatcher; the subcommands of a room stand in that room's
`commands` module.

Such a module has `register(subparsers)`, which adds its parsers and sets
`run=function(args) -> None`. It imports what `pip install .` alone brings, and no more.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from alphascale import __version__
from alphascale.errors import UserError
from alphascale.running.program import OneLineParser, describe

COMMANDS = (
    "alphascale.tables.commands",
    "alphascale.calculator.commands",
    "alphascale.running.commands",
    "alphascale.fitting.commands",
    "alphascale.page.commands",
    "alphascale.outside.commands",
    "alphascale.intake.commands",
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when all went well, 2 when the user has something to mend."""
    for name in ("stdout", "stderr"):  # closed by the caller (`>&-`): nobody listens, that is all
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    parser = OneLineParser(
        prog="alphascale", description="Fit scaling laws to your own results and decide with them."
    )
    parser.add_argument("--version", action="version", version=f"alphascale {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in COMMANDS:
        import_module(module).register(subparsers)
    args = parser.parse_args(argv)
    try:
        args.run(args)
        sys.stdout.flush()
    except UserError as error:
        print(f"alphascale {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"alphascale {args.command}: ended by SIGINT", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ArithmeticError as fault:
        print(
            f"alphascale {args.command}: a number left the range of a double ({fault}): look at "
            "the units of what was given",
            file=sys.stderr,
        )
        return 2
    except (OSError, MemoryError) as fault:
        print(
            f"alphascale {args.command}: {describe(fault, 'run this again') or fault}",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
