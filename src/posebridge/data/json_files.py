"""JSON files read and written so that damage is a sentence and a half-written file never exists."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from posebridge.errors import InputError


def read_json(file: Path, kind: str) -> Any:
    """The content of a JSON file.

    Args:
        file: an existing file. kind: what it should be, for the messages, such as ``"COCO"``.

    Raises:
        InputError: unreadable, no text, or no valid JSON, with the place of the damage.
    """
    try:
        return json.loads(file.read_bytes())
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not a text file ({error.reason}); give a {kind} JSON."
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file} is not valid JSON: {error.msg} in line {error.lineno}, column "
            f"{error.colno}; write the file again from the tool that made it."
        ) from error
    except RecursionError as error:
        raise InputError(f"{file} is nested too deeply to be a {kind} file.") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise InputError(f"{file} holds a number that is too long to be one: {error}.") from error
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}.") from error


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, allow_nan=False))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
