"""Run every command on the pages of the documentation and write what it prints into them.

    python scripts/write_pages.py                       every page
    python scripts/write_pages.py README.md docs/ci.md  these
    python scripts/write_pages.py --only explain        commands that hold this text
    python scripts/write_pages.py --measured README.md  measurements too, at their full length

What varies between machines stays as it is, unless --measured is given. docs/cli.md has a script
of its own, write_options_page.py. The exit status is 1 if a command does not end as the page says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from pages import PAGES, Ran, rewritten, run_page


def main() -> int:
    """Write the pages; how many commands ended otherwise than they say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES, metavar="PAGE")
    parser.add_argument("--measured", action="store_true", help="measure again, at full length")
    parser.add_argument("--only", default="", metavar="TEXT", help="only commands with this text")
    asked = parser.parse_args()
    wrong = [_write(page.resolve(), asked.only, measured=asked.measured) for page in asked.pages]
    return 1 if sum(wrong) else 0


def _write(page: Path, only: str, *, measured: bool) -> int:
    """Write one page; how many of its commands ended otherwise than it says."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        ran = run_page(text, Path(folder), only=only, tested=not measured, told=_say)
    new = rewritten(text, ran, measured=measured)
    if new != text:
        page.write_text(new, encoding="utf-8")
    sys.stdout.write(f"{page.name}: {len(ran)} run, {'written' if new != text else 'unchanged'}\n")
    wrong = [each for each in ran if each.status != int(each.block.marks.get("status", 0))]
    for each in wrong:
        sys.stdout.write(f"{page.name}, {each}\n")
    return len(wrong)


def _say(ran: Ran) -> None:
    """A command has ended; how much processor time this process has used so far."""
    sys.stdout.write(f"  {time.process_time():6.1f} s  {ran.command}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
