"""The command line: one file for each command, each with ``main(arguments) -> exit code``.

To add a command: a file here with ``main``, and a line in ``COMMANDS`` of ``main.py``. Heavy imports
stay inside ``main`` so that ``posebridge --help`` answers at once.
"""
