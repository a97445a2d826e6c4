"""The mistakes of `make mutants`: they are Python, other than what is there, and touch no words."""

from __future__ import annotations

import ast

from changes import MODULE, mutant, places
from mutants import PACKAGE, ROOT, sample

SOURCE = '''"""Words 1."""
from __future__ import annotations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    X = 1 + 1

MOST = 5


def f(a: int = 2, *, b: float = 0.5) -> int:
    """More words: 3 < 4."""
    if a < b and not a == 1:
        raise ValueError(f"{a + b}")
    say(f"{a - b}")
    rows = list(range(a))[1:]
    return a


class C:
    def __repr__(self):
        return 1 + 2
'''


def made_of(source: str) -> list[str]:
    """What every change of every place makes of a source, as lines."""

    class Each:
        def choice(self, changes):
            return changes[self.at]

    found = []
    for place in places(ast.parse(source)):
        for at in range(len(place.changes)):
            rng = Each()
            rng.at = at
            if made := mutant("x.py", source, place, rng):
                found.append((made.scope, made.after))
    return found


def test_what_is_changed_and_what_is_left_alone() -> None:
    found = made_of(SOURCE)
    expected = {
        (MODULE, "MOST = 6"),
        (MODULE, "def f(a: int = 3, *, b: float = 0.5) -> int:"),
        (MODULE, "def f(a: int = 2, *, b: float = 1.0) -> int:"),
        ("f", "if (a <= b) and not a == 1:"),
        ("f", "if a < b and (a == 1):"),
        ("f", "if a < b and not (a != 1):"),
        ("f", "rows = list(range(a))[1 + 1:]"),
        ("f", "return b"),
    }
    assert expected <= set(found)
    lines = " ".join(after for _, after in found)
    assert not any(word in lines for word in ("Words", "words", "say", "raise", "X =", "repr"))


def test_a_sample_is_of_every_room_and_a_larger_one_goes_on() -> None:
    rooms = ["deciding", "families", "provenance.py"]
    few = list(sample(rooms, 9, 0))
    assert [room for room, _ in few] == 3 * rooms
    more = list(sample(rooms, 30, 0))
    assert more[:9] == few and more[:9] != list(sample(rooms, 9, 1))
    for _, each in more:
        source = (ROOT / PACKAGE / each.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(each.source)) != ast.dump(ast.parse(source))
        assert each.before != each.after
