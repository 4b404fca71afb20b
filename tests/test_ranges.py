"""Ranges in the types of configuration fields."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, get_args, get_type_hints

import pytest
from annotated_types import Interval, Len

from posebridge.errors import InputError
from posebridge.files.typed_values import field_types
from posebridge.ranges import Fraction, Positive, StepInterval, check_ranges, range_text
from posebridge.training.config import AdaptConfig


@dataclass(frozen=True)
class Inner:
    rate: Positive = 1.0
    sizes: Annotated[tuple[Annotated[int, Interval(ge=-2, le=2)], ...], Len(1, 3)] = (1,)


@dataclass(frozen=True)
class Outer:
    ratio: Fraction | None = None
    every: StepInterval = 1
    name: str = "a"
    on: bool = True
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Outer(ratio=1.5), "ratio is 1.5; give a number from 0 to 1."),
        (Outer(every=0), "every is 0; give a number from 1 to 1000000000."),
        (Outer(inner=Inner(rate=0.0)), "inner.rate is 0; give a number above 0."),
        (Outer(inner=Inner(rate=math.nan)), "inner.rate is nan; give a finite number."),
        (Outer(inner=Inner(sizes=())), "inner.sizes is (); give 1 to 3 values."),
        (Outer(inner=Inner(sizes=(1, 3))), "inner.sizes is 3; give a number from -2 to 2."),
    ],
)
def test_value_out_of_range_is_named_with_its_range(config, message):
    with pytest.raises(InputError) as caught:
        check_ranges(config)
    assert str(caught.value) == message


def test_ends_of_ranges_and_values_without_a_range_pass():
    config = Outer(ratio=0.0, every=10**9, inner=Inner(rate=1e-300, sizes=(-2, 2, 0)))
    assert check_ranges(config) is config


def test_range_is_a_phrase():
    assert range_text(Outer, "ratio") == "from 0 to 1"
    assert range_text(Inner, "rate") == "above 0"
    assert range_text(Outer, "name") == ""


NUMBERS = [
    name
    for name, hint in field_types(AdaptConfig).items()
    if {int, float} & {hint, *get_args(hint)} and bool not in (hint, *get_args(hint))
]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_of_a_config_states_its_range(name):
    kind = AdaptConfig
    *sections, last = name.split(".")
    for section in sections:
        kind = get_type_hints(kind)[section]
    assert range_text(kind, last)
