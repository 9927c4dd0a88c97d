"""``python -m vtbench`` is the ``vtbench`` command."""

from vtbench.cli import main

if __name__ == "__main__":
    main()
