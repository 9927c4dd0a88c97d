"""``vtbench env``: this machine, as the record of a measurement would describe it."""

from __future__ import annotations

from vtbench.cli.groups import command
from vtbench.cli.options import Output
from vtbench.cli.output import stdout_kept_clean
from vtbench.report.environment import machine_document


@command
def env(*, output: Output) -> int:
    """Describe this machine and list anything that would distort timings.

    \b
    vtbench env
    vtbench env --format json --output machine.json

    The page shows the devices with their memory, the versions, the settings that alter speed, and
    warnings: other load, a clock that cannot be watched, the quota of a container. It names
    neither the host nor the user.
    """
    written = output.written("env", "env")
    from vtbench.measure.machine.this_machine import machine

    with stdout_kept_clean():
        found = machine()
    written.write(machine_document(found, written.rendering))
    return 0
