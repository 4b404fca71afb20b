"""Files of published datasets, read so that whatever is wrong with one becomes a sentence.

Such files come from anywhere, so nothing in them is run and nothing believed: ``pickles`` and
``matlab`` check before they read, ``.npy`` files are read without objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from posebridge.data.datasets.matlab import read_variable
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.json_files import read_json
from posebridge.files.pickled_arrays import read_arrays
from posebridge.skeleton import Skeleton

_AGAIN = "copy it again from the archive that it came in"


def existing(path: Path) -> Path:
    """Return the path of a file that is there.

    Raises:
        InputError: it is not.
    """
    if not path.is_file():
        raise InputError(
            f"{path} does not exist; 'posebridge datasets list' says where to download each dataset "
            "and which folder it belongs into."
        )
    return path


def load_mat(path: Path, name: str) -> np.ndarray:
    """Return one variable of a MATLAB file (versions up to 7).

    Raises:
        InputError: missing, damaged, or without that variable; or scipy is not installed.
    """
    existing(path)
    try:
        found = read_variable(path, name)
    except ImportError as error:
        raise InputError(
            f"{path} is a MATLAB file, which needs scipy; pip install scipy."
        ) from error
    except Exception as error:
        raise InputError(
            f"{path} is not a MATLAB file that can be read ({_short(error)}); {_AGAIN}."
        ) from error
    if found is None:
        raise InputError(f"{path} has no variable '{name}'; this is another file than expected.")
    return found


def load_json(path: Path, kind: type) -> Any:
    """Return a JSON file whose outermost value is a list or an object.

    Raises:
        InputError: missing, damaged, or another kind of value.
    """
    existing(path)
    try:
        content = read_json(path, "benchmark")
    except InputError as error:
        raise InputError(f"{error} {_AGAIN[0].upper()}{_AGAIN[1:]}.") from error
    if not isinstance(content, kind) or not content:
        wanted = "a list of entries" if kind is list else "an object"
        raise InputError(f"{path} does not hold {wanted}; this is another file than expected.")
    return content


def load_npy(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return a numpy file with numbers of the given shape; None stands for any length.

    Raises:
        InputError: missing, damaged, or of another shape.
    """
    existing(path)
    try:
        array = np.load(path, allow_pickle=False)
        numeric = isinstance(array, np.ndarray) and array.dtype.kind in "iuf"
    except Exception as error:
        raise InputError(f"{path} is not a numpy array ({_short(error)}); {_AGAIN}.") from error
    if not numeric or not _fits(array, shape):
        raise InputError(
            f"{path} holds {_kind(array)}, expected numbers of shape {_shape(shape)}; {_AGAIN}."
        )
    return array


def load_pickle(path: Path) -> Any:
    """Return a pickle of numpy arrays and plain containers; ``numpy.asarray`` takes its arrays.

    Raises:
        InputError: missing, damaged, or with anything else in it.
    """
    existing(path)
    try:
        return read_arrays(path)
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as a pickle of arrays ({_short(error)}); {_AGAIN}."
        ) from error


def column(
    path: Path, entries: Sequence[Any] | Mapping[Any, Any], key: str, shape: tuple[int, ...]
) -> np.ndarray:
    """Return one field of every entry as (N, \\*shape) float64.

    Raises:
        InputError: naming the first entry whose field is missing or of another shape.
    """
    rows = entries.items() if isinstance(entries, Mapping) else enumerate(entries)
    values = []
    for name, entry in rows:
        value = entry.get(key) if isinstance(entry, dict) else None
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            array = np.empty(0)
        if array.shape != shape or value is None:
            raise InputError(
                f"{path}: entry {name} has no '{key}' of {' x '.join(map(str, shape))} numbers; "
                f"{_AGAIN}."
            )
        values.append(array)
    return np.stack(values) if values else np.empty((0, *shape))


def read_texts(path: Path, entries: Sequence[Any], key: str) -> list[str]:
    """Return one text of every entry.

    Raises:
        InputError: naming the first entry that has none.
    """
    for index, entry in enumerate(entries):
        value = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(value, str) or not value or "\0" in value:
            raise InputError(f"{path}: entry {index} has no text '{key}'; {_AGAIN}.")
    return [entry[key] for entry in entries]


def extent(points: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the (N, 4) boxes round the counted points (N, K, 2); all zeros where none is counted.

    A box covers the pixels of its outermost points, hence the 1.
    """
    low = np.where(counted[..., None], points, np.inf).min(axis=1)
    high = np.where(counted[..., None], points, -np.inf).max(axis=1)
    boxes = np.concatenate([low, high - low + 1], axis=1)
    return np.where(np.any(counted, axis=1, keepdims=True), boxes, 0.0)


def table(
    where: Path,
    paths: Sequence[Path | str],
    boxes: np.ndarray | None,
    skeleton: Skeleton,
    points: np.ndarray,
    labeled: np.ndarray,
) -> LabeledSamples:
    """Return samples from rows of a dataset; subjects without any labeled joint are left out.

    Args:
        where: the annotation file, for messages.
        paths: (N,) images. boxes: (N, 4), or None where the whole image is the subject.
        points: (N, K, 2). labeled: (N, K) bool.

    Raises:
        InputError: an image is missing, a labeled joint has no sensible place, or nothing is
            labeled.
    """
    if boxes is None:
        boxes = np.zeros((len(paths), 4))
    # A subject of the opposite corner of the world is a damaged file, not a pose.
    sane = np.isfinite(points).all(axis=-1) & (np.abs(np.nan_to_num(points)) < 1e6).all(axis=-1)
    box_fine = np.isfinite(boxes).all(axis=1) & (np.abs(np.nan_to_num(boxes)) < 1e6).all(axis=1)
    wrong = np.flatnonzero((labeled & ~sane).any(axis=1) | ~box_fine | (boxes[:, 2:] < 0).any(1))
    if wrong.size:
        raise InputError(
            f"{where}: entry {wrong[0]} ({Path(paths[int(wrong[0])]).name}) has a joint or a box that "
            f"is not finite or beyond a million pixels; {_AGAIN}."
        )
    keep = np.flatnonzero(labeled.any(axis=1))
    if not keep.size:
        raise InputError(f"{where} has no subject with a labeled joint; {_AGAIN}.")
    kept = [str(paths[i]) for i in keep.tolist()]
    require_images(where, kept)
    image_ids = np.unique(np.array(kept), return_inverse=True)[1]
    images = UnlabeledSamples.from_lists(
        str(where), kept, boxes[keep], image_ids.reshape(-1), np.arange(len(keep))
    )
    visible = labeled[keep]
    placed = np.where(visible[..., None], points[keep], 0).astype(np.float32)
    return LabeledSamples(images, skeleton, placed, visible)


def require_images(where: Path, paths: Sequence[str]) -> None:
    """Check that every image exists; each folder is listed only once."""
    folders: dict[Path, set[str]] = {}
    missing: dict[str, None] = {}
    for path in paths:
        file = Path(path)
        if file.parent not in folders:
            try:
                folders[file.parent] = {entry.name for entry in file.parent.iterdir()}
            except OSError:
                folders[file.parent] = set()
        if file.name not in folders[file.parent]:
            missing[path] = None
    if missing:
        raise InputError(
            f"{where} names {len(set(paths))} images of which {len(missing)} are missing, the "
            f"first: {next(iter(missing))}; unpack all of the dataset's archives."
        )


def _fits(array: np.ndarray, shape: tuple[int | None, ...]) -> bool:
    return array.ndim == len(shape) and all(
        wanted is None or found == wanted for found, wanted in zip(array.shape, shape, strict=True)
    )


def numbers(path: Path, name: str, array: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return an array of the given shape as float64; None stands for any length.

    Raises:
        InputError: it is not an array of numbers, or of another shape.
    """
    if (
        not isinstance(array, np.ndarray)
        or array.dtype.kind not in "iufb"
        or not _fits(array, shape)
    ):
        raise InputError(f"{path}: '{name}' is {_kind(array)}, expected {_shape(shape)}; {_AGAIN}.")
    return array.astype(np.float64)


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.name} of shape {value.shape}"
    return type(value).__name__


def _shape(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("N" if s is None else str(s) for s in shape) + ")"


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120].rstrip(".")
