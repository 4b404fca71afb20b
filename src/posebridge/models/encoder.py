"""The image encoder of every network: any timm model, as a list of feature maps.

The pose model and the style network both use :class:`ImageEncoder`, so names, weights, feature levels
and the normalization of the input mean the same in both.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.errors import InputError
from posebridge.models.encoder_args import require_encoder_args, require_encoder_name
from posebridge.models.encoder_weights import load_local, weights_file

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class ImageEncoder(nn.Module):
    """A timm model without its head: images in [0, 1] in, feature maps out.

    Args:
        name: a timm model, with or without a pretrained tag (``"resnet101"``,
            ``"vgg19.tv_in1k"``, ``"vit_small_patch14_dinov2.lvd142m"``).
        levels: indices of timm's feature maps to return, in this order; negative indices count from
            the end. A convolutional model has about one level per factor 2, a transformer one per
            block.
        weights: ``"pretrained"`` (timm downloads them, once), ``"none"`` (random), or the path of
            a ``.safetensors``, ``.pth`` or ``.pt`` file. No code in such a file is run.
        args: further arguments of ``timm.create_model``, from the list in
            :mod:`posebridge.models.encoder_args`.
        input_size: side of the images in pixels. Only models that are built for one size
            (transformers) need it; the default is timm's size for the model.
        mean, std: the normalization of the input per channel, if it differs from timm's values for
            the model.

    Attributes:
        channels: of each returned level, in the order of ``levels``.
        reductions: input pixels per feature cell of each returned level.
        levels: the indices of the returned levels, counted from 0.
        name, weights, args: as given.
        mean, std: buffers (1, 3, 1, 1).

    Raises:
        InputError: unknown name, level or argument; weights that are missing or do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        levels: Sequence[int],
        weights: str = "pretrained",
        args: Mapping[str, Any] | None = None,
        input_size: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if not levels:
            raise InputError(f"encoder '{name}': no levels are chosen; name at least one.")
        require_encoder_name(name, "encoder")
        require_encoder_args(args or {}, f"encoder_args of '{name}'")
        config = _registered(name)
        file = weights_file(name, weights)
        if weights == "pretrained" and not (config and config.has_weights):
            raise InputError(
                f"timm has no pretrained weights of {name}; give a local file "
                "(--model.encoder_weights FILE) or 'none'."
            )
        options = dict(args or {})
        if input_size is not None and config is not None and config.fixed_input_size:
            options.setdefault("img_size", input_size)

        self.name, self.weights, self.args = name, weights, dict(args or {})
        self.net = _create(name, levels, options, download=weights == "pretrained")
        feature_info: Any = self.net.feature_info
        info = feature_info.info
        absolute = [level % len(info) for level in levels]
        self.levels = tuple(absolute)
        self.channels = tuple(int(info[level]["num_chs"]) for level in absolute)
        self.reductions = tuple(int(info[level]["reduction"]) for level in absolute)
        if "img_size" in options and input_size is not None and input_size % max(self.reductions):
            cell = max(self.reductions)
            fits = max(round(input_size / cell), 1) * cell
            raise InputError(
                f"encoder '{name}' cuts images into patches of {cell} px, which do not fill an "
                f"input of {input_size} px; choose a multiple such as {fits}."
            )
        # timm returns the levels in the order of the network, each once.
        ascending = sorted(set(absolute))
        self._order = [ascending.index(level) for level in absolute]
        _stop_after_levels(self.net)
        self._channels_last = "NHWC" in str(getattr(self.net, "output_fmt", "NCHW"))

        own_mean = mean or (config.mean if config else None) or _IMAGENET_MEAN
        own_std = std or (config.std if config else None) or _IMAGENET_STD
        self.register_buffer("mean", torch.tensor(own_mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(own_std, dtype=torch.float32).view(1, -1, 1, 1))
        if file is not None:
            load_local(self.net, name, file)

    def normalize(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return images in [0, 1] as the encoder's input: (images - mean) / std."""
        return (images - self.mean) / self.std

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B _C _H _W"]]:
        """Return the feature maps of images in [0, 1].

        Map i is (B, channels[i], H / reductions[i], W / reductions[i]).

        Raises:
            ValueError: the images are not (B, 3, H, W).
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"images are {tuple(images.shape)}, expected (B, 3, H, W)")
        maps = self.net(self.normalize(images))
        if self._channels_last:
            maps = [level.permute(0, 3, 1, 2) for level in maps]
        return [maps[i] for i in self._order]


def _registered(name: str) -> Any:
    """Return timm's pretrained configuration of a model (None if it has none); raise if unknown."""
    if not timm.is_model(name):
        close = ", ".join(_close_names(name.partition(".")[0]))
        raise InputError(f"timm has no encoder '{name}'; close names: {close}.")
    try:
        return timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        tags = timm.list_models(f"{name.partition('.')[0]}.*", pretrained=True)
        raise InputError(
            f"timm has no weights '{name}'; choose from: {', '.join(tags) or 'none'}."
        ) from error


def _close_names(name: str, count: int = 4) -> list[str]:
    """Return the models with the names closest to ``name``, by their beginnings, then as a whole."""

    def similarity(other: str) -> tuple[float, float]:
        beginning = difflib.SequenceMatcher(None, name, other[: len(name) + 1]).ratio()
        return beginning, difflib.SequenceMatcher(None, name, other).ratio()

    return sorted(timm.list_models(), key=similarity, reverse=True)[:count]


def _create(
    name: str, levels: Sequence[int], options: Mapping[str, Any], download: bool
) -> nn.Module:
    """Call ``timm.create_model`` and raise InputError with the cause of a failure."""
    try:
        return timm.create_model(
            name,
            pretrained=download,
            **{**options, "features_only": True, "out_indices": tuple(dict.fromkeys(levels))},
        )
    except (AssertionError, IndexError) as error:
        if isinstance(error, AssertionError) and "index" not in str(error):
            raise InputError(f"encoder '{name}' cannot be built: {_line(error)}.") from error
        raise InputError(
            f"encoder '{name}' has no such levels {list(levels)} ({_line(error)}); "
            "choose smaller indices."
        ) from error
    except (TypeError, AttributeError, NotImplementedError) as error:
        given = f" with {dict(options)}" if options else ""
        raise InputError(
            f"encoder '{name}' cannot be built as a list of features{given}: {_line(error)}."
        ) from error
    except Exception as error:  # a download can fail with the errors of three libraries
        if not download:
            raise InputError(f"encoder '{name}' cannot be built: {_line(error)}.") from error
        raise InputError(
            f"weights of {name} could not be downloaded ({type(error).__name__}); give a local "
            "file (--model.encoder_weights FILE) or 'none'."
        ) from error


class _FirstStages(nn.Sequential):
    """Stages of which only the first ones run; all keep their names, so stored weights fit."""

    def __init__(self, stages: nn.Sequential, count: int) -> None:
        super().__init__(*stages)
        self.count = count

    def __iter__(self) -> Iterator[nn.Module]:
        return islice(super().__iter__(), self.count)


def _stop_after_levels(net: nn.Module) -> None:
    """Skip the stages after the last returned level, whose outputs are not used.

    timm does so itself, except for its EfficientNets and MobileNets (as of 1.0). Their stages are
    ``blocks``, and ``_stage_out_idx`` has the returned stages, counted from 1; 0 is the stem.
    """
    returned, blocks = getattr(net, "_stage_out_idx", None), getattr(net, "blocks", None)
    hooked = getattr(net, "feature_hooks", None) is not None
    if not hooked and isinstance(returned, dict) and returned and isinstance(blocks, nn.Sequential):
        net.blocks = _FirstStages(blocks, max(returned))


def _line(error: BaseException) -> str:
    """Return the first line of an error's text, shortened to fit into a sentence."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0].strip()
    return (text if len(text) <= 160 else text[:157] + "...").rstrip(".")
