"""The one error that a user is meant to read."""


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message is one sentence for a person: which file, which entry, what is wrong, what to do.
    The command line prints it without a traceback and exits with code 2.
    """
