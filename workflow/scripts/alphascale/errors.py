"""The one exception that is a message to a person."""

from __future__ import annotations

# Characters of a value that a message quotes, and of a message: a cell of a table may hold 3 MB.
QUOTED, LONGEST = 60, 4_000


class UserError(Exception):
    """Something the user can mend: one line saying what happened, where, and what to do.

    Programs print the message without a traceback and exit with status 2. What a study or a file
    made it quote is shown, not obeyed: line ends and terminal codes appear as escapes.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) > LONGEST:
            text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
        if text.isprintable():
            return text
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def quoted(value: object) -> str:
    """A value as a message quotes it: its `repr`, or of a long one the beginning."""
    if isinstance(value, str) and len(value) > QUOTED:
        return f"{value[:QUOTED]!r}… ({len(value):,} characters)"
    text = repr(value)
    return text if len(text) <= 2 * QUOTED else f"{text[:QUOTED]}… ({len(text):,} characters)"


def first_line(fault: object) -> str:
    """The first line of what a library says; of one that says nothing, its name."""
    return (str(fault).strip() or type(fault).__name__).splitlines()[0]
