"""The command line as its users have it: a process of its own."""

from __future__ import annotations

import subprocess
import sys


def posebridge(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``posebridge`` with the arguments, to its end, whatever its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "posebridge.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
