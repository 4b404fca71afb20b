"""The command line as a process of its own, and in this process."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from posebridge.cli.main import main


def posebridge(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``posebridge`` with the arguments, to its end, whatever its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "posebridge.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def posebridge_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``posebridge`` in this process, without the seconds in which a new one starts."""
    given = [str(argument) for argument in arguments]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as errors:
        code = main(given)
    return subprocess.CompletedProcess(given, code, out.getvalue(), errors.getvalue())
