"""What the documents name is there: files, links, and the papers that are cited."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "resources/README.md")
CITED = re.compile(r"([A-Z][a-zè-ÿA-Z]+) (?:et al\.|(?:&|and) [A-Z][a-z]+),? \(?((?:19|20)\d\d)")


def pages(root: Path) -> list[Path]:
    return [*(root / page for page in PAGES), *sorted((root / "docs").glob("*.md"))]


def test_links_and_paths_lead_somewhere(root: Path) -> None:
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        # In backticks, from the project's root, from the programs' folder or from the library's.
        for path in re.findall(r"`((?:[\w.]+/)+[\w.]*\w\.(?:py|smk|md|yaml|csv|txt))`", text):
            homes = (root, root / "workflow/scripts", root / "workflow/scripts/alphascale")
            first = path.partition("/")[0]
            if any((home / first).is_dir() for home in homes):
                assert any((home / path).exists() for home in homes), f"{page.name}: {path}"


def test_what_is_cited_stands_in_the_references(root: Path) -> None:
    entries = (root / "docs/references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+{([a-z]+\d{4}),", entries, flags=re.M))
    files = [*pages(root), *sorted((root / "workflow/scripts").rglob("*.py"))]
    cited = {
        name.lower() + year
        for file in files
        for name, year in CITED.findall(file.read_text(encoding="utf-8"))
    }
    assert len(cited) > 10
    assert cited <= known, f"not in docs/references.bib: {sorted(cited - known)}"
