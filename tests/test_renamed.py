"""Old names are refused in one sentence with the name of today, wherever a file or a call has them."""

from __future__ import annotations

import pytest
import yaml

from posebridge import renamed
from posebridge.bench.plan import read_plan
from posebridge.checkpoints.config_file import parse_config
from posebridge.errors import InputError
from posebridge.training.config import AdaptConfig
from posebridge.training.merged_settings import known_setting
from posebridge.training.presets import configure, known_presets


@pytest.mark.parametrize("old", renamed.CONFIG)
def test_old_field_is_refused_with_the_new_name(old, tmp_path):
    new = renamed.CONFIG[old]
    assert known_setting(new) and not known_setting(old)
    with pytest.raises(InputError, match=f"'{old}' is called '{new}' now"):
        configure(overrides={old: 1})
    stored, content = tmp_path / "config.yaml", {}
    inner = content
    *sections, field = old.split(".")
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[field] = 1
    stored.write_text(yaml.safe_dump(content))
    first = old if known_setting(sections[0] if sections else old) else old.partition(".")[0]
    with pytest.raises(
        InputError, match=rf"config\.yaml: '{first}[\w.]*' is called '.*' now; rename"
    ):
        configure(config=stored)


@pytest.mark.parametrize("old", renamed.PRESETS)
def test_old_preset_is_refused_with_the_new_name(old):
    assert renamed.PRESETS[old] in known_presets()
    with pytest.raises(InputError, match=f"'{old}' is called '{renamed.PRESETS[old]}' now"):
        configure([old])


@pytest.mark.parametrize(("field", "old"), renamed.VALUES)
def test_old_value_is_refused_with_the_new_one(field, old):
    new = renamed.VALUES[field, old]
    with pytest.raises(InputError, match=f"{field}: '{old}' is called '{new}' now"):
        configure(overrides={field: old})
    configure(overrides={field: new})


@pytest.mark.parametrize("old", renamed.PLAN)
def test_old_entry_of_a_plan_is_refused_with_the_new_name(old, tmp_path):
    file = tmp_path / "plan.yaml"
    entry = {old: 1}
    content = {
        "pairs": {"a": {"preset": "demo", "test": "t"}},
        "methods": {"m": {"preset": "demo"}},
    }
    content["pairs" if old == "test_images" else "methods"] = {"x": entry}
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=f"'{old}' is called '.*{renamed.PLAN[old][:4]}.*' now"):
        read_plan(file)


def test_model_folder_with_an_old_field_is_refused(tmp_path):
    content = AdaptConfig().to_dict()
    content["model"]["sides"] = content["model"].pop("left_right")
    file = tmp_path / "config.yaml"
    with pytest.raises(InputError, match=r"'model\.sides' is called 'model\.left_right' now"):
        parse_config(yaml.safe_dump(content).encode(), file)


def test_model_folder_with_an_old_section_is_refused(tmp_path):
    content = AdaptConfig().to_dict()
    content["asked"] = {"views": 4, "flip": False, "turn": 0.0}  # dialect: ok
    with pytest.raises(InputError, match="'asked' is called 'tta' now"):  # dialect: ok
        parse_config(yaml.safe_dump(content).encode(), tmp_path / "config.yaml")
