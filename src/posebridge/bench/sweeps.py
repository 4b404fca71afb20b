"""One setting at a time in several values: methods of a plan.

    sweeps:
      multilevel: {consistency.weight: [0.3, 1, 3], feature.weight: [0, 0.01, 0.1]}

becomes the methods ``multilevel_consistency.weight_0.3`` and so on: the method ``multilevel`` with that
setting. A value equal to the method's own is not trained again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posebridge.bench.plan_file import get_config
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr


@dataclass(frozen=True)
class Sweep:
    """One setting of one method in several values.

    Attributes:
        methods: value -> the method of the plan that has it, in ascending order.
    """

    method: str
    setting: str
    methods: Mapping[float, str]


def read_sweeps(
    raw: Any, methods: Mapping[str, dict[str, Any]], path: Path
) -> tuple[list[Sweep], dict[str, dict[str, Any]]]:
    """Return the sweeps of a plan's file, and the methods that they add.

    Raises:
        InputError: a method is not in the plan, or the values are not numbers.
    """
    sweeps: list[Sweep] = []
    added: dict[str, dict[str, Any]] = {}
    for method, swept in get_config(raw, f"{path}: sweeps").items():
        place = f"{path}: sweeps: '{method}'"
        if method not in methods:
            raise InputError(f"{place} is not among the methods: {', '.join(methods)}.")
        how = methods[method]
        own = get_config(how.get("settings"), place)
        for setting, values in get_config(swept, place).items():
            if not isinstance(values, list) or not all(_number(v) for v in values):
                raise InputError(
                    f"{place}: {setting} is {short_repr(values)}; give a list of numbers such as "
                    "[0.3, 1, 3]."
                )
            named: dict[float, str] = {}
            for value in sorted(set(values)):
                named[value] = f"{method}_{setting}_{value:g}"
                if named[value] in methods:
                    raise InputError(f"{place}: '{named[value]}' is already a method of the plan.")
                added[named[value]] = {**how, "settings": {**own, setting: value}}
            sweeps.append(Sweep(method, setting, named))
    return sweeps, added


def _number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and -1e300 < value < 1e300
