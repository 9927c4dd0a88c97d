"""Write docs/cli.md: every command and every option, as the program itself says them.

    python scripts/write_options_page.py

A test holds the page fresh.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vtbench.cli.page import options_page

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"

if __name__ == "__main__":
    PAGE.write_text(options_page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
