"""Snakemake's logger plugin of alphascale: `logger: alphascale` in profiles/default.

It shows what `alphascale.progress` makes of Snakemake's events. With --verbose, --printshellcmds or
--debug-dag, which ask for all that Snakemake says, that is shown as Snakemake shows it.
"""

from __future__ import annotations

import sys

from snakemake_interface_logger_plugins.base import LogHandlerBase


class LogHandler(LogHandlerBase):
    """Snakemake calls `emit` in a thread of its own, and `close` at the end of the run."""

    def __post_init__(self) -> None:
        from alphascale.errors import UserError

        try:
            from alphascale.progress.screen import screen
        except UserError as fault:  # somebody's new family or source that cannot be imported
            sys.exit(f"error: {fault}")
        asked = self.common_settings
        self.own = self.screen = None
        if asked.verbose or asked.debug_dag or asked.printshellcmds:
            from snakemake.logging import ColorizingTextHandler

            self.own = ColorizingTextHandler(
                nocolor=asked.nocolor, stream=sys.stdout if asked.stdout else sys.stderr
            )
        else:
            self.screen = screen(asked, self.format)

    def setFormatter(self, formatter) -> None:
        super().setFormatter(formatter)
        if self.own:
            self.own.setFormatter(formatter)

    def emit(self, record) -> None:
        try:
            self.own.emit(record) if self.own else self.screen.take(record)
        except Exception:  # a thread that ended would leave the run without a word
            self.handleError(record)

    def end(self) -> None:
        """Leave the terminal to others."""
        if self.screen:
            self.screen.end()

    def close(self) -> None:
        self.end()
        super().close()

    @property
    def shows(self) -> bool:
        """Whether jobs need not speak for themselves."""
        return self.screen is not None

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return False

    @property
    def has_formatter(self) -> bool:
        return False

    @property
    def needs_rulegraph(self) -> bool:
        return False
