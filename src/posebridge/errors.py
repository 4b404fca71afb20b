"""The one error that is meant for users."""


class InputError(Exception):
    """An input that cannot be used.

    The message is one sentence for a person: which file, which entry, what is wrong, what to do.
    The command line prints it without a traceback and exits with code 2.

    >>> text = "Caught InputError in DataLoader worker process 0.\\nTraceback: ...\\n"
    >>> str(InputError(text + "posebridge.errors.InputError: a.jpg is missing.\\n"))
    'a.jpg is missing.'
    """

    def __init__(self, message: str = "") -> None:
        # A loader's worker puts a traceback in front of its error; users need only the message.
        if message.startswith("Caught InputError in DataLoader worker"):
            message = message.rstrip().rsplit("InputError: ", 1)[-1]
        super().__init__(message)
