"""The one error that a user is meant to read."""


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message is one sentence for a person: which file, which entry, what is wrong, what to do.
    The command line prints it without a traceback and exits with code 2.

    >>> text = "Caught InputError in DataLoader worker process 0.\\nTraceback: ...\\n"
    >>> str(InputError(text + "posebridge.errors.InputError: a.jpg is missing.\\n"))
    'a.jpg is missing.'
    """

    def __init__(self, message: str = "") -> None:
        # A loader's worker hands its error on with a traceback in front, which is for nobody here.
        if message.startswith("Caught InputError in DataLoader worker"):
            message = message.rstrip().rsplit("InputError: ", 1)[-1]
        super().__init__(message)
