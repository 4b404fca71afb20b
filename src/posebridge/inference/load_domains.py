"""Source and target as a configuration names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from posebridge.data.keypoint_mapping import remapped, with_labels
from posebridge.data.reading import Say, read_labeled, read_unlabeled
from posebridge.data.samples import LabeledSamples, UnlabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import (
    SkeletonMatch,
    are_unnamed,
    builtin_skeletons,
    match_skeletons,
    read_mapping,
    read_skeleton,
)
from posebridge.training.config import AdaptConfig
from posebridge.training.initialization import require_no_source_needed

Matched = Callable[[SkeletonMatch], None]


def _nothing(_: object) -> None:
    """Drop the remark."""


def located(config: AdaptConfig) -> AdaptConfig:
    """Return the configuration with ``data_root`` put in front of its paths.

    A path that is absolute, or that exists from here, stays as it is.
    """
    if config.data_root is None:
        return config
    root = config.data_root
    if not Path(root).is_dir():
        raise InputError(f"data_root {root} is not a folder; give the folder of the data.")

    def find(path: str | None) -> str | None:
        return None if path is None else below(root, path)

    def weights(value: str) -> str:
        return value if value in ("pretrained", "none") else str(find(value))

    network = replace(
        config.style.network, encoder_weights=weights(config.style.network.encoder_weights)
    )
    return replace(
        config,
        source=find(config.source),
        target=find(config.target),
        source_image_root=find(config.source_image_root),
        target_image_root=find(config.target_image_root),
        skeleton=config.skeleton
        if config.skeleton in builtin_skeletons()
        else find(config.skeleton),
        keypoint_mapping=find(config.keypoint_mapping),
        init_from=find(config.init_from),
        model=replace(config.model, encoder_weights=weights(config.model.encoder_weights)),
        style=replace(config.style, decoder=find(config.style.decoder), network=network),
        data_root=None,
    )


def below(root: str | None, path: str) -> str:
    """Return a path below ``root``; the path itself where it is absolute or exists."""
    if root is None or Path(path).is_absolute() or Path(path).exists():
        return path
    return str(Path(root) / path)


def read_domains(
    config: AdaptConfig, say: Say = _nothing, matched: Matched = _nothing
) -> tuple[LabeledSamples | None, UnlabeledSamples]:
    """Return the source and the target; of the target, images and boxes only.

    The source has the keypoints of the configured skeleton. It is None where the config names none and
    needs none: nothing of a source is opened then.

    Args:
        say: receives a line on what takes long, such as the frames of a video, and what is left out.
        matched: receives the matched keypoints, where the skeletons differ.

    Raises:
        InputError: a domain is not named or cannot be read, or the skeletons do not match; no source
            is named and the config needs one.
    """
    if config.source is None:
        require_no_source_needed(config)
    if config.target is None:
        raise InputError("no target is given; name a folder of images with --target.")
    data, source = config.data, None
    if config.source is not None:
        source = read_labeled(config.source, config.source_image_root, data.source_format, say=say)
        source = in_target_skeleton(source, config, say, matched)
    return (
        source,
        read_unlabeled(config.target, config.target_image_root, data.target_format, data, say),
    )


def in_target_skeleton(
    samples: LabeledSamples, config: AdaptConfig, say: Say = _nothing, matched: Matched = _nothing
) -> LabeledSamples:
    """Return labeled samples of the source domain with the keypoints of ``config.skeleton``.

    Subjects of which no keypoint has a partner are left out.

    Raises:
        InputError: the skeletons or the mapping do not fit.
    """
    if config.skeleton is None:
        if config.keypoint_mapping is not None:
            raise InputError(
                f"keypoint_mapping {config.keypoint_mapping} is given but no skeleton to map to; name one with "
                "--skeleton."
            )
        return samples
    mapping = None if config.keypoint_mapping is None else read_mapping(config.keypoint_mapping)
    wanted = read_skeleton(config.skeleton)
    if (
        mapping is None
        and are_unnamed(samples.skeleton.keypoints)
        and len(samples.skeleton) == len(wanted)
    ):
        say(
            f"{samples.images.name} names no keypoints; they get the names of skeleton "
            f"'{config.skeleton}' in its order"
        )
        samples = replace(samples, skeleton=wanted)
    match = match_skeletons(
        samples.skeleton,
        wanted,
        mapping,
        mapping_name=str(config.keypoint_mapping),
    )
    if not match.is_identity:
        matched(match)
    kept = with_labels(remapped(samples, match))
    if len(kept) == 0:
        raise InputError(
            f"no subject of {samples.images.name} has a labeled keypoint of skeleton "
            f"'{config.skeleton}'; name the partners in a mapping file."
        )
    if len(kept) < len(samples):
        say(f"{len(samples) - len(kept)} subjects without any of these keypoints are left out")
    return kept
