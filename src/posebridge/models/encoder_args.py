"""The arguments of an encoder that a configuration may set, by name and with their ranges.

timm passes on every argument, including paths to read, configurations of downloads and names of
layers. A configuration, a bench plan or a model folder may be untrusted, so only harmless arguments
with plain values are accepted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

_NAME = re.compile(r"[A-Za-z0-9_]{1,100}(\.[A-Za-z0-9_]{1,100})?")


def _number(low: float, high: float) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and math.isfinite(value) and low <= value <= high

    return fits, f"a number from {low:g} to {high:g}"


def _choice(*choices: Any) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        return type(value) is type(choices[0]) and value in choices

    return fits, "one of " + ", ".join(repr(choice) for choice in choices)


def _pixels(low: int, high: int) -> tuple[Callable[[Any], bool], str]:
    def one(value: Any) -> bool:
        return type(value) is int and low <= value <= high

    def fits(value: Any) -> bool:
        pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(one, value))
        return one(value) or pair

    return fits, f"a whole number from {low} to {high}, or a list of two"


_FRACTION = _number(0, 1)
_SWITCH = _choice(True, False)
_KNOWN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "act_layer": _choice(
        *("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "swish", "mish", "hard_swish")
    ),
    "attn_drop_rate": _FRACTION,
    "bn_eps": _number(1e-12, 1),
    "bn_momentum": _FRACTION,
    "drop_block_rate": _FRACTION,
    "drop_path_rate": _FRACTION,
    "drop_rate": _FRACTION,
    "dynamic_img_pad": _SWITCH,
    "dynamic_img_size": _SWITCH,
    "img_size": _pixels(16, 4096),
    "init_values": _number(0, 10),
    "output_stride": _choice(8, 16, 32),
    "pad_type": _choice("", "same", "valid", "symmetric"),
    "patch_drop_rate": _FRACTION,
    "patch_size": _pixels(4, 64),
    "pos_drop_rate": _FRACTION,
    "proj_drop_rate": _FRACTION,
    "strict_img_size": _SWITCH,
    "window_size": _pixels(2, 64),
}


def require_encoder_args(args: Any, name: str) -> None:
    """Check the arguments of an encoder; ``name`` is the config field, for the message.

    Raises:
        InputError: not a mapping, an argument that is not known to be harmless, or a value out of
            its range.
    """
    if not isinstance(args, Mapping):
        raise InputError(f"{name} is {short_repr(args)}; give a mapping of names to values.")
    for key, value in args.items():
        if key not in _KNOWN:
            raise InputError(
                f"{name} has {short_repr(key)}, which is not an argument that a configuration may "
                f"give to an encoder; choose from {', '.join(_KNOWN)}."
            )
        fits, allowed = _KNOWN[key]
        if not fits(value):
            raise InputError(f"{name}.{key} is {short_repr(value)}; give {allowed}.")


def require_encoder_name(encoder: Any, name: str) -> None:
    """Check that an encoder has the form of a name in timm's registry.

    Args:
        name: the config field, for the message.

    Raises:
        InputError: the name is an address, such as ``hf-hub:user/model`` or ``local-dir:folder``,
            from which timm would read an untrusted configuration.
    """
    if not isinstance(encoder, str) or not _NAME.fullmatch(encoder):
        raise InputError(
            f"{name} is {short_repr(encoder)}, which is not the name of a timm model, such as "
            "resnet50 or vgg19.tv_in1k; for a model from elsewhere, give the name of its architecture "
            "and a local file with its weights."
        )
