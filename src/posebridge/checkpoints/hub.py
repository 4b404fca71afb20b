"""Models on the Hugging Face hub: download and upload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posebridge.checkpoints.archive import CARD, FILES
from posebridge.errors import InputError
from posebridge.files.places import cannot_write, is_disk_error
from posebridge.version import __version__

_ID = re.compile(r"([A-Za-z0-9][\w.-]*)/([A-Za-z0-9][\w.-]*?)(?:@([\w./-]+))?")


def is_id(text: str) -> bool:
    """Return whether a text is ``user/name`` or ``user/name@revision`` and not an existing path."""
    match = _ID.fullmatch(text)
    return match is not None and not Path(match[1]).exists()


def download(text: str) -> Path:
    """Return the folder of a model on the hub, in the hub's cache, with only a model's five files.

    A cached model is not downloaded again, and works without a connection.

    Raises:
        InputError: no such model, no access, no connection, or not a model of posebridge.
    """
    import huggingface_hub
    from huggingface_hub import errors

    match = _ID.fullmatch(text)
    if match is None:
        raise InputError(f"'{text}' is not an id of the Hugging Face hub; give one like user/name.")
    repository, revision = f"{match[1]}/{match[2]}", match[3]
    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                repository,
                revision=revision,
                allow_patterns=[*FILES, CARD],
                library_name="posebridge",
                library_version=__version__,
            )
        )
    except errors.GatedRepoError as error:
        raise InputError(
            f"the hub restricts access to {repository}; accept its terms on its page and log in with "
            "'hf auth login'."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            f"'{text}' is neither a folder here nor a model on the Hugging Face hub that you may "
            "see; check the name, or log in with 'hf auth login' if it is private."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(f"{repository} has no revision '{revision}' on the hub.") from error
    except Exception as error:  # a lost connection raises the errors of several libraries
        if isinstance(error, OSError) and is_disk_error(error):
            raise cannot_write(huggingface_hub.constants.HF_HUB_CACHE, error) from error
        raise InputError(
            f"'{text}' is not a folder here, and the Hugging Face hub cannot be reached "
            f"({type(error).__name__}); check the path, or connect and try again."
        ) from error
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{repository} on the hub is not a model of posebridge: it has no {missing[0]}."
        )
    return folder


@dataclass(frozen=True)
class Upload:
    """The content of an upload to the hub.

    Attributes:
        repository: ``user/name``.
        private: whether the repository is to be private.
        files: name -> content.
    """

    repository: str
    private: bool
    files: Mapping[str, bytes]


def plan_upload(folder: Path, repository: str, private: bool) -> Upload:
    """Return the upload of a model folder's five files to ``user/name``; nothing is sent.

    Raises:
        InputError: the id is invalid, or the folder has no card.
    """
    match = _ID.fullmatch(repository)
    if match is None or match[3] is not None:
        raise InputError(
            f"'{repository}' is not an id of the Hugging Face hub; give one like user/name."
        )
    if not (folder / CARD).is_file():
        raise InputError(
            f"{folder} has no {CARD}, the model card that the hub shows; write one first."
        )
    names = (*FILES, CARD)
    return Upload(repository, private, {name: (folder / name).read_bytes() for name in names})


def upload(planned: Upload, message: str) -> str:
    """Create the repository where it does not exist, and upload the files in one commit.

    Returns:
        the address of the model's page.

    Raises:
        InputError: not logged in, not allowed, no connection, or the repository is public but
            ``private`` is set.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, errors

    api = HfApi(library_name="posebridge", library_version=__version__)
    where = planned.repository
    try:
        address = api.create_repo(where, private=planned.private, exist_ok=True)
        # An existing repository keeps its visibility, whatever is requested.
        if planned.private and not api.model_info(where).private:
            raise InputError(
                f"{where} exists and is public; make it private on its page, or push without "
                "--private. Nothing was uploaded."
            )
        api.create_commit(
            where,
            [CommitOperationAdd(name, content) for name, content in planned.files.items()],
            commit_message=message,
        )
    except InputError:
        raise
    except errors.LocalTokenNotFoundError as error:
        raise InputError(
            "you are not logged in to the Hugging Face hub; run 'hf auth login' or set HF_TOKEN."
        ) from error
    except errors.HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", "an error")
        raise InputError(
            f"the Hugging Face hub refused {where} ({status}); check the name, and that your token "
            "may write there ('hf auth whoami')."
        ) from error
    except Exception as error:  # as in download
        raise InputError(
            f"the Hugging Face hub cannot be reached ({type(error).__name__}); nothing was uploaded."
        ) from error
    return str(address)
