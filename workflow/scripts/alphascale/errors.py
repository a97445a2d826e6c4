"""The one exception that is a message to a person."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: one line saying what happened, where, and what to do.

    Programs print the message without a traceback and exit with status 2.
    """
