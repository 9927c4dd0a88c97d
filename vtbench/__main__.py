"""``python -m vtbench`` is the ``vtbench`` command.

Python puts the current directory first for ``-m``. The command does not want it there: a file in
it may have the name of a module that is not imported yet.
"""

import os
import sys

if not getattr(sys.flags, "safe_path", False) and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109  # pathlib may be a stray file
    del sys.path[0]

if __name__ == "__main__":
    try:
        from vtbench.cli import main

        main()
    except KeyboardInterrupt:  # while that is imported
        sys.stderr.write("vtbench: The command was interrupted.\n")
        sys.exit(130)
