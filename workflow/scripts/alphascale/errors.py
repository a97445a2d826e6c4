"""The one exception that is a message to a person."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: one line saying what happened, where, and what to do.

    Programs print the message without a traceback and exit with status 2. What a study or a file
    made it quote is shown, not obeyed: line ends and terminal codes appear as escapes.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if text.isprintable():
            return text
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
