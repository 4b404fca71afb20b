"""A comparison: what its file means, what it shares, what it survives, and its tables."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import shutil
from pathlib import Path

import pytest
import yaml
from bench.plans import METHODS, write_plan, write_scores
from conftest import TINY
from rich.console import Console

from posebridge.bench import gather, read_plan, run_plan
from posebridge.bench.begun import require_same_settings
from posebridge.bench.launch import cluster_options, own_command
from posebridge.bench.outcome import latex, markdown, mean_and_deviation
from posebridge.bench.scored import score_file, scored_checkpoints, unjudged
from posebridge.bench.sweeps import write_sweeps
from posebridge.bench.validators import (
    Judged,
    across_table,
    rank_correlation,
    regret,
    validator_table,
)
from posebridge.bench.work import state_of
from posebridge.cli.main import main
from posebridge.errors import InputError


def test_trainings_of_a_seed_share_their_first_stage(tmp_path):
    plan = read_plan(write_plan(tmp_path))
    first = [t for t in plan.trainings if t.method is None]
    others = [t for t in plan.trainings if t.method is not None]
    assert plan.trainings[:2] == first
    assert [t.config.steps.adaptation for t in first] == [0, 0]
    assert not any(t.config.uses_target for t in first)
    assert [t.name for t in others] == [
        *("figures/source_only/seed_0", "figures/source_only/seed_1"),
        *("figures/all_levels/seed_0", "figures/all_levels/seed_1"),
        "figures/no_feature/seed_0",
    ]
    assert {t.first_stage for t in others if t.seed == 0} == {first[0].name}
    assert others[-1].config.feature.weight == 0
    assert others[0].config.consistency.weight == 0 < others[2].config.consistency.weight


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({"teacher_decay": 0.5, "student_view.rotation": 3, "steps.log_every": 2}, True),
        ({"optimizer.adaptation_lr": 0.1, "steps.adaptation": 8}, True),
        ({"optimizer.adaptation_encoder": 0.1, "asked.views": 2}, True),
        ({"facing": 0.5, "statistics": "both", "reading.least_score": 0.5}, True),
        ({"reading.category": "person"}, True),
        ({"source_view.rotation": 3}, False),
        ({"mapping": "joints.yaml", "skeleton": "lsp-14"}, False),
        ({"optimizer.lr": 0.1}, False),
        ({"model.sigma": 1.5}, False),
        ({"steps.batch": 3}, False),
    ],
)
def test_a_first_stage_is_shared_where_nothing_in_it_differs(settings, shares, tmp_path):
    methods = {"one": None, "other": {"settings": settings}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], baseline=None))
    assert len([t for t in plan.trainings if t.method is None]) == (1 if shares else 2)


def test_all_methods_share_a_first_stage(tmp_path):
    names = ("source_only", "multilevel", "regda", "ccssl", "uda_animal")
    methods = {name: {"preset": name} for name in names}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0]))
    (first,) = [t for t in plan.trainings if t.method is None]
    assert {t.first_stage for t in plan.trainings if t.method} == {first.name}
    assert not first.config.uses_target


def test_a_first_stage_that_learns_the_way_subjects_face_counts_its_weight(tmp_path):
    facing = {"model.sides": "facing"}
    methods = {"one": {"settings": facing}, "other": {"settings": {**facing, "facing": 0.5}}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], baseline=None))
    assert len([t for t in plan.trainings if t.method is None]) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pairs": None}, "names no pairs"),
        ({"methods": {}}, "names no methods"),
        ({"method": {}}, "'method' means nothing here"),
        ({"methods": {"a": {"presets": "demo"}}, "baseline": None}, "'presets' means nothing"),
        ({"methods": {"a": {"preset": "nothing"}}, "baseline": None}, "unknown preset 'nothing'"),
        ({"methods": {"../a": None}, "baseline": None}, "cannot name"),
        ({"methods": {"a": "demo"}, "baseline": None}, "give preset and settings"),
        ({"methods": {"a": {"views": 0}}, "baseline": None}, "views is 0"),
        ({"methods": {"a": {"turn": 200}}, "baseline": None}, "turn is 200"),
        ({"methods": {"a": {"flip": "yes"}}, "baseline": None}, "flip 'yes'"),
        ({"methods": {"a": {"bound": "yes"}}, "baseline": None}, "bound is 'yes'"),
        ({"methods": {"a": {"checkpoints": 3}}, "baseline": None}, "checkpoints is 3; give all or"),
        ({"sweeps": {"dann": {"pose.weight": [0, 1]}}}, "'dann' is none of the methods"),
        ({"sweeps": {"all_levels": {"pose.weight": 1}}}, "pose.weight is 1; give a list"),
        ({"sweeps": {"all_levels": {"pose.weight": ["a"]}}}, "pose.weight is ['a']; give a list"),
        ({"sweeps": {"all_levels": {"pose.wait": [0, 1]}}}, "pose.weight"),
        ({"budget": {"steps.sauce": 3}}, "steps.source"),
        ({"budget": 3}, "budget is 3"),
        ({"seeds": 3}, "seeds is 3"),
        ({"seeds": []}, "give a list of numbers"),
        ({"baseline": "dann"}, "none of the methods"),
        ({"seeds": [True]}, "seeds is [True]"),
        ({"seeds": [-1]}, "seeds is [-1]"),
        ({"baseline": ["dann"]}, "baseline is ['dann']"),
        ({"thresholds": 0.1}, "thresholds is 0.1; give shares"),
        ({"thresholds": []}, "thresholds is []"),
        ({"thresholds": [-0.05]}, "thresholds is [-0.05]"),
        ({"thresholds": [math.nan]}, "thresholds is [nan]"),
        ({"thresholds": [0.1, math.inf]}, "inf]; give shares"),
        ({"pairs": {"figures": {"preset": "demo"}}}, "has no 'test'"),
        ({"pairs": {"a": {"test": None}}}, "'a' has no 'test'"),
        ({"pairs": {"a": {"test": 5}}}, "pair 'a': test is 5; give"),
        ({"pairs": {"a": {"test": ["x"]}}}, "pair 'a': test is ['x']"),
        ({"pairs": {"a": {"test": " "}}}, "pair 'a': test is ' '"),
        ({"pairs": {"a": {"test": "x", "test_images": 5}}}, "pair 'a': test_images is 5"),
        ({"pairs": {"a": {"test": "x", "source_validation": {"a": 1}}}}, "source_validation is {"),
        (
            {"methods": {"a": {"settings": {"feature.wait": 1}}}, "baseline": None},
            "comparison.yaml: pair 'figures', method 'a': ",
        ),
    ],
)
def test_a_plan_that_cannot_be_used_gets_a_sentence(changes, words, tmp_path, capsys):
    file = write_plan(tmp_path, **changes)
    assert main(["bench", str(file), "--out", str(tmp_path / "out"), "--list"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_plan(tmp_path, capsys):
    for text, words in (
        (None, "does not exist"),
        ("a: [", "not valid YAML"),
        ("seeds: 2024-13-45", "not valid YAML"),
        ("3", "no settings"),
    ):
        file = tmp_path / "plan.yaml"
        if text is not None:
            file.write_text(text)
        assert main(["bench", str(file), "--out", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("lost", ["test", "test_images", "source_validation"])
def test_labels_that_are_not_there_are_told_before_anything_is_trained(lost, tmp_path, capsys):
    for name in ("s.json", "t.json", "test.json"):
        (tmp_path / name).touch()
    words = {"test": "test.json", "source_validation": "s.json", lost: "gone.json"}
    pairs = {"people": {"settings": {"source": "s.json", "target": "t.json"}, **words}}
    file, out = write_plan(tmp_path, pairs=pairs, seeds=[0]), tmp_path / "out"
    assert main(["bench", str(file), "--out", str(out), "--data-root", str(tmp_path)]) == 2
    assert f"{tmp_path / 'gone.json'} ({lost} of the pair 'people')" in capsys.readouterr().err
    assert not list(tmp_path.rglob("config.yaml"))
    # A dataset that is named is no file.
    pairs["people"][lost] = "lsp:test"
    plan = read_plan(write_plan(tmp_path, pairs=pairs, seeds=[0]), tmp_path)
    assert run_plan(plan, ["false"], out, quiet()) == [t.name for t in plan.trainings]


@pytest.fixture(scope="module")
def comparison(figures, tmp_path_factory) -> tuple[Path, Path]:
    """A whole comparison of two methods, in this process: (plan, folder)."""
    folder = tmp_path_factory.mktemp("bench")
    methods = {name: METHODS[name] for name in ("source_only", "all_levels")}
    file, out = write_plan(folder, figures, methods=methods, seeds=[0]), folder / "out"
    for training in read_plan(file).trainings:
        assert main(["bench", str(file), "--out", str(out), "--only", training.name]) == 0
    return file, out


def test_everything_is_trained_and_scored_once(comparison, capsys):
    file, out = comparison
    folder = out / "figures" / "all_levels" / "seed_0"
    assert {p.stem for p in (folder / "scores").iterdir()} == {
        *("last", "selected", "step_000006", "step_000008", "step_000010")
    }
    judged = json.loads((folder / "validators" / "last.json").read_text())["values"]
    assert {"agreement", "pose_prior", "source_pck", "neighbourhood_density"} <= judged.keys()
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    assert main(["bench", str(file), "--out", str(out), "--list"]) == 0
    assert capsys.readouterr().out.count("done ") == 3
    assert main(["bench", str(file), "--out", str(out)]) == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before
    made = {p.name for p in out.iterdir() if p.is_file()}
    assert made == {*("scores.csv", "figures.md", "figures.tex", "figures.png", "validators.md")}
    assert "6 checkpoints of 2 runs" in (out / "validators.md").read_text()


def test_weights_of_one_step_are_asked_once_and_written_under_each_name(comparison):
    folder = comparison[1] / "figures" / "all_levels" / "seed_0"
    read = {
        n: json.loads((folder / "scores" / f"{n}.json").read_text())
        for n in ("last", "step_000010")
    }
    for name, scores in read.items():
        assert scores["protocol"].pop("selection") == scores["protocol"].pop("weights") == name
        asked = {"views": 2, "flip": True, "turn": 180.0}
        assert asked.items() <= scores["protocol"].items()
    assert read["last"] == read["step_000010"]
    judged = [(folder / "validators" / f"{n}.json").read_text() for n in read]
    assert judged[0] == judged[1]


def test_the_table_holds_what_was_scored(comparison, capsys):
    file, out = comparison
    assert main(["bench", str(file), "--out", str(out), "--table"]) == 0
    with (out / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 3 * 2  # methods, choices, thresholds
    plan = read_plan(file)
    for row in rows:
        if row["choice"] == "oracle":
            continue
        training = plan.training(f"figures/{row['method']}/seed_0")
        content = json.loads(score_file(training, out, row["choice"]).read_text())
        assert float(row["percent"]) == pytest.approx(
            content["metrics"][row["metric"]]["all"], abs=1e-3
        )
        assert content["protocol"]["method"] == row["method"]


def test_a_stopped_training_goes_on_to_the_same_weights(comparison, tmp_path):
    file, out = comparison
    again = tmp_path / "out"
    shutil.copytree(out, again)
    folder = again / "figures" / "source_only" / "seed_0"
    weights = folder / "checkpoints" / "last" / "model.safetensors"
    before = weights.read_bytes()
    (folder / "finished.json").unlink()
    shutil.rmtree(folder / "scores")
    name = "figures/source_only/seed_0"
    training = read_plan(file).training(name)
    assert not state_of(training, again).done
    # Begun before there was a setting for how data are read, which has its default there.
    stored = yaml.safe_load((folder / "config.yaml").read_text())
    del stored["reading"]
    (folder / "config.yaml").write_text(yaml.safe_dump(stored))
    # The copy starts from the copy's first stage: a path may differ, a setting may not.
    assert main(["bench", str(file), "--out", str(again), "--only", name]) == 0
    assert weights.read_bytes() == before
    assert state_of(training, again).done


def test_other_settings_in_the_same_folder_are_refused(comparison, figures, tmp_path, capsys):
    """Of a finished training as of one that was begun, and before anything is started."""
    _, out = comparison
    again = tmp_path / "out"
    shutil.copytree(out, again)
    methods = {"all_levels": {"settings": {"feature.weight": 0.7}}}
    other = write_plan(tmp_path, figures, methods=methods, seeds=[0], baseline=None)
    arguments = ["bench", str(other), "--out", str(again)]
    assert main(arguments) == 2
    assert "begun with other settings (feature)" in capsys.readouterr().err
    name = "figures/all_levels/seed_0"
    (again / name / "finished.json").unlink()
    assert main([*arguments, "--only", name]) == 2
    assert "begun with other settings (feature)" in capsys.readouterr().err


def test_scores_of_other_views_are_scored_again(comparison):
    file, out = comparison
    training = read_plan(file).training("figures/all_levels/seed_0")
    assert state_of(training, out).done
    for change in ({"views": 3}, {"flip": False}, {"turn": 20.0}):
        asked = dataclasses.replace(training.asked, **change)
        state = state_of(dataclasses.replace(training, asked=asked), out)
        assert state.trained and not state.scored


def test_tables_hold_nothing_of_another_plan(comparison, figures, tmp_path):
    """Of another test set, other views, another threshold, or with a checkpoint not scored yet."""
    file, out = comparison
    plan, name = read_plan(file), "figures/all_levels/seed_0"
    assert gather(plan, out).missing == []
    for change in (
        {"asked": dataclasses.replace(plan.training(name).asked, views=3)},
        {"thresholds": [0.05, 0.2]},
        {"test": "other.json"},
        {"test_images": "elsewhere"},
    ):
        others = [t if t.name != name else dataclasses.replace(t, **change) for t in plan.trainings]
        other = dataclasses.replace(plan, trainings=others)
        assert gather(other, out).missing == [name]
        assert not state_of(other.training(name), out).scored
    again = tmp_path / "out"
    shutil.copytree(out, again)
    score_file(plan.training(name), again, "step_000008").unlink()
    assert gather(plan, again).missing == [name]
    judged = again / "figures" / "source_only" / "seed_0" / "validators" / "last.json"
    values = json.loads(judged.read_text())
    values["source_validation"] = "other.json"
    judged.write_text(json.dumps(values))
    assert not state_of(plan.training("figures/source_only/seed_0"), again).scored


def test_another_start_is_refused(comparison):
    file, out = comparison
    training = read_plan(file).training("figures/all_levels/seed_0")
    require_same_settings(training, out)
    config = dataclasses.replace(training.config, start_from="other.zip")
    for other in (
        dataclasses.replace(training, first_stage="figures/first_stage/seed_0_00000000"),
        dataclasses.replace(training, first_stage=None, config=config),
    ):
        with pytest.raises(InputError, match="other settings \\(start_from\\)"):
            require_same_settings(other, out)


def test_a_half_written_checkpoint_is_none(comparison):
    file, out = comparison
    training = read_plan(file).training("figures/all_levels/seed_0")
    before = scored_checkpoints(training, out)
    (out / training.name / "checkpoints" / "step_000004.partial").mkdir()
    assert scored_checkpoints(training, out) == before


def test_what_differs_in_how_it_is_asked_alone_is_trained_once(tmp_path):
    methods = {
        "plain": {"preset": "multilevel"},
        "voted": {"preset": "multilevel", "views": 4},
        "own_word": {"preset": "multilevel", "settings": {"asked.views": 3, "asked.flip": True}},
        "once": {"settings": {"asked.views": 3, "feature.weight": 0.7}, "views": 1},
        "again": {"settings": {"feature.weight": 0.7}, "flip": True},
    }
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0, 1], baseline=None))
    found = {(t.method, t.seed): t for t in plan.trainings if t.method}
    assert {n: found[n, 0].asked.times for n in methods} == {
        **{"plain": 1, "voted": 4, "own_word": 6, "once": 1, "again": 2}
    }
    for seed in (0, 1):
        runs = [found[name, seed].run for name in methods]
        assert runs == [f"figures/{n}/seed_{seed}" for n in ("plain",) * 3 + ("once",) * 2]
    assert len([t for t in plan.trainings if t.method is None]) == 2  # one a seed


def test_a_model_asked_otherwise_is_scored_without_a_run_of_its_own(
    comparison, figures, tmp_path, capsys
):
    _, out = comparison
    again = Path(shutil.copytree(out, tmp_path / "out"))
    methods = {**METHODS, "once": {"views": 1}}
    del methods["no_feature"]
    file = write_plan(tmp_path, figures, methods=methods, seeds=[0])
    plan, name = read_plan(file), "figures/once/seed_0"
    first = plan.training("figures/all_levels/seed_0")
    assert [state_of(t, again).done for t in plan.trainings] == [True, True, True, False]
    assert state_of(plan.training(name), again).trained
    assert main(["bench", str(file), "--out", str(again)]) == 0
    assert "the same asked otherwise: 0 of 1 are done" in capsys.readouterr().out
    assert [p.name for p in (again / name).iterdir()] == ["scores"]
    asked = json.loads(score_file(plan.training(name), again, "last").read_text())["protocol"]
    assert asked["method"] == "once" and "views" not in asked
    assert gather(plan, again).missing == []
    assert "6 checkpoints of 2 runs" in (again / "validators.md").read_text()  # judged once
    # Where the run is not there, nothing is asked.
    (again / first.name / "finished.json").unlink()
    assert main(["bench", str(file), "--out", str(again), "--only", name]) == 2
    assert f"{first.name}, which is not finished" in capsys.readouterr().err
    assert run_plan(plan, ["false"], again, quiet()) == [first.name, name]


def test_a_record_of_scores_stands_for_what_was_done_elsewhere(comparison, tmp_path, capsys):
    """Tables of it are the same, and nothing is trained again, not even the first stage."""
    file, out = comparison
    record, elsewhere = tmp_path / "record.json", tmp_path / "elsewhere"
    arguments = ["bench", str(file), "--record", str(record), "--out"]
    assert main([*arguments, str(out), "--table"]) == 0
    content = json.loads(record.read_text())["trainings"]
    assert content.keys() == {f"figures/{name}/seed_0" for name in ("source_only", "all_levels")}
    assert str(out) not in record.read_text()
    capsys.readouterr()
    assert main([*arguments, str(elsewhere)]) == 0
    assert "first stages: 1 of 1 are done or not needed" in capsys.readouterr().out
    assert not list(elsewhere.rglob("*.safetensors"))
    for name in ("scores.csv", "figures.md", "validators.md"):
        assert (elsewhere / name).read_text() == (out / name).read_text()
    assert json.loads(record.read_text())["trainings"] == content
    # Another threshold wants the weights, which are not here.
    other = write_plan(
        tmp_path,
        thresholds=[0.2],
        **{k: v for k, v in yaml.safe_load(file.read_text()).items() if k != "thresholds"},
    )
    capsys.readouterr()
    name = "figures/source_only/seed_0"
    assert main(["bench", str(other), "--out", str(elsewhere), "--only", name]) == 2
    assert "its weights are not here" in capsys.readouterr().err


def test_a_record_of_other_settings_is_left_out_and_kept(comparison, tmp_path, capsys):
    file, out = comparison
    record = tmp_path / "record.json"
    assert main(["bench", str(file), "--out", str(out), "--record", str(record), "--table"]) == 0
    changed = yaml.safe_load(file.read_text())
    changed["methods"]["all_levels"]["settings"] = {"feature.weight": 0.7}
    other = write_plan(tmp_path, **changed)
    before, fresh = record.read_text(), tmp_path / "fresh"
    capsys.readouterr()
    assert main(["bench", str(other), "--out", str(fresh), "--record", str(record), "--list"]) == 0
    told = capsys.readouterr().out
    assert "all_levels/seed_0 was recorded with other feature" in told.replace("\n", " ")
    assert "to do    figures/all_levels/seed_0" in told
    assert "done     figures/source_only/seed_0" in told
    assert main(["bench", str(other), "--out", str(fresh), "--record", str(record), "--table"]) == 0
    assert record.read_text() == before
    # Laid out by one plan, asked for by another: the same sentence as for a run of other settings.
    changed["methods"]["source_only"]["settings"] = {"source_view.rotation": 3}
    assert main(["bench", str(write_plan(tmp_path, **changed)), "--out", str(fresh)]) == 2
    assert "begun with other settings (source_view" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "{}", '{"trainings": {"a": {"settings": 1}}}', "nothing"])
def test_a_file_that_is_no_record_gets_a_sentence(text, tmp_path, capsys):
    record = tmp_path / "record.json"
    record.write_text(text)
    plan = str(write_plan(tmp_path))
    arguments = ["bench", plan, "--out", str(tmp_path / "out"), "--record", str(record), "--table"]
    assert main(arguments) == 2
    assert str(record) in capsys.readouterr().err
    assert record.read_text() == text


def test_an_unknown_training_is_refused(comparison, capsys):
    file, out = comparison
    assert main(["bench", str(file), "--out", str(out), "--only", "figures/dann/seed_0"]) == 2
    assert "figures/all_levels/seed_0" in capsys.readouterr().err


def test_means_deviations_gains_and_the_oracle_by_hand(tmp_path):
    plan = read_plan(write_plan(tmp_path))
    for method, seed, last, selected, middle in (
        ("source_only", 0, 20.0, 21.0, 19.0),
        ("source_only", 1, 22.0, 22.0, 21.0),
        ("all_levels", 0, 25.0, 26.0, 28.0),
        ("all_levels", 1, 28.0, 28.0, 23.0),
    ):
        write_scores(
            tmp_path,
            plan.training(f"figures/{method}/seed_{seed}"),
            {"last": (10, last), "selected": (7, selected), "step_000008": (8, middle)},
            **(METHODS[method] if method == "all_levels" else {}),
        )
    outcome = gather(plan, tmp_path)
    assert outcome.missing == ["figures/no_feature/seed_0"]
    lines = markdown(outcome, "figures").splitlines()
    # Deviations with n - 1: of (20, 22) and (26, 28) sqrt(2); gains 26 - 20 and 28 - 22.
    assert lines[2].split(" | ")[1:4] == ["2", "21.0 ± 1.4", "42.0 ± 2.8"]
    assert lines[3] == (
        "| all_levels | 2 | 26.5 ± 2.1 | 53.0 ± 4.2 | 27.0 ± 1.4 | 54.0 ± 2.8 "
        "| 28.0 ± 0.0 | 56.0 ± 0.0 | +6.0 ± 0.0 | +12.0 ± 0.0 |"
    )
    assert "nobody without labels can choose" in lines[-1]
    assert r"all\_levels & 2 & 26.5 $\pm$ 2.1" in latex(outcome, "figures")


def test_what_scores_its_final_checkpoints_has_no_best_of_all(tmp_path):
    methods = {"voted": {"views": 4, "checkpoints": "final"}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], baseline=None))
    training = plan.training("figures/voted/seed_0")
    scores = dict.fromkeys(("last", "selected"), (10, 20.0))
    write_scores(tmp_path, training, scores, views=4)
    (tmp_path / training.name / "checkpoints" / "step_000008").mkdir()
    assert scored_checkpoints(training, tmp_path) == ["last", "selected"]
    assert "step_000008" in unjudged(training, tmp_path)
    outcome = gather(plan, tmp_path)
    assert outcome.missing == []
    line = markdown(outcome, "figures").splitlines()[2]
    assert line == "| voted | 1 | 20.0 | 40.0 | 20.0 | 40.0 | - | - |"


def test_rank_correlation_and_regret_by_hand():
    assert rank_correlation([1, 2, 3], [10, 30, 20]) == pytest.approx(0.5)
    assert rank_correlation([1, 2, 2], [5, 6, 6]) == pytest.approx(1)
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]))
    assert regret([0.1, 0.9, 0.9], [40.0, 37.0, 41.0]) == 4


def test_the_validator_with_the_least_regret_stands_first():
    runs = [
        Judged("a", [1, 2, 3], {"good": [1, 3, 2], "bad": [3, 1, 2]}, {"pck": [10.0, 14.0, 12.0]}),
        Judged("b", [1, 2, 3], {"good": [1, 2, 3], "bad": [3, 2, 1]}, {"pck": [10.0, 11.0, 13.0]}),
    ]
    head, *rows = validator_table(runs, ["pck"])
    assert head == ["choice", "runs", "rank correlation pck", "regret pck", "worst regret pck"]
    assert rows[0] == ["good", "2", "1.00", "0.0 ± 0.0", "0.0"]
    # The last checkpoint: 2 points short in run a, right in run b.
    assert ["the last checkpoint", "2", "0.75", "1.0 ± 1.4", "2.0"] in rows
    # The two contradict each other: their mean rank knows nothing and takes the first.
    assert rows[-2:] == [
        ["bad", "2", "-1.00", "3.5 ± 0.7", "4.0"],
        ["mean rank of all", "2", "-", "3.5 ± 0.7", "4.0"],
    ]


def test_which_method_is_judged_among_all_runs_of_a_seed():
    """The validator orders each run rightly and the methods wrongly; a voted run stays out."""
    place = ("people", 0)
    runs = [
        Judged("a", [1, 2], {"sure": [8, 9], "new": [1, 2]}, {"pck": [10.0, 12.0]}, place),
        Judged("b", [1, 2], {"sure": [1, 2]}, {"pck": [20.0, 21.0]}, place),
        Judged("c", [1, 2], {"sure": [1, 99]}, {"pck": [70.0, 80.0]}, place, once=False),
        Judged("d", [1, 2], {"sure": [1, 2]}, {"pck": [5.0, 6.0]}, ("people", 1)),
    ]
    head, *rows = across_table(runs, ["pck"])
    assert head[:2] == ["choice", "seeds"]
    # Ranks 2 3 0 1 against 0 1 2 3: -0.6. 9 is chosen, which scores 12 of 21.
    assert rows == [
        ["sure", "1", "-0.60", "9.0", "9.0"],
        ["mean rank of all", "1", "-0.60", "9.0", "9.0"],
    ]
    assert across_table(runs[2:], ["pck"]) == []


def test_a_sweep_adds_a_method_for_each_value_and_draws_a_curve(tmp_path):
    """A value that is the method's own is not trained again."""
    sweeps = {"all_levels": {"feature.weight": [0.1, 0, 0.01], "pose.weight": [0.1, 1]}}
    methods = {"all_levels": {"settings": {"feature.weight": 0.01, "pose.weight": 0.1}}}
    file = write_plan(tmp_path, methods=methods, sweeps=sweeps, baseline=None, seeds=[0])
    plan = read_plan(file)
    names = ["0", "0.01", "0.1"]
    assert plan.methods[1:4] == [f"all_levels_feature.weight_{value}" for value in names]
    swept = plan.training("figures/all_levels_feature.weight_0.1/seed_0")
    assert (swept.config.feature.weight, swept.config.pose.weight) == (0.1, 0.1)
    same = plan.training("figures/all_levels_pose.weight_0.1/seed_0")
    assert same.taught_by == "figures/all_levels/seed_0"
    for number, method in enumerate(plan.methods[:4]):
        training = plan.training(f"figures/{method}/seed_0")
        write_scores(tmp_path, training, dict.fromkeys(("last", "selected"), (10, 20.0 + number)))
    outcome = gather(plan, tmp_path)
    assert "| all_levels | 1 |" in markdown(outcome, "figures")
    assert "feature" not in markdown(outcome, "figures")
    # Of the other setting nothing is scored: it has no panel.
    assert write_sweeps(outcome, tmp_path) == [tmp_path / "figures_sweeps.png"]
    assert (tmp_path / "figures_sweeps.png").stat().st_size > 5000


def test_what_learns_from_labels_of_the_target_is_marked(tmp_path):
    methods = {"source_only": None, "with_labels": {"bound": True, "settings": {"source": "t"}}}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0]))
    for method in methods:
        training = plan.training(f"figures/{method}/seed_0")
        write_scores(tmp_path, training, {"last": (10, 20.0), "selected": (10, 20.0)})
    outcome = gather(plan, tmp_path)
    text, tex = markdown(outcome, "figures"), latex(outcome, "figures")
    assert "| with_labels † | 1 | 20.0" in text and "| source_only | 1 | 20.0" in text
    assert "† learned from labels of the target" in text
    assert r"with\_labels $\dagger$ &" in tex and "% † learned" in tex


def test_one_seed_has_no_deviation():
    assert mean_and_deviation([22.26]) == "22.3"
    assert mean_and_deviation([-1.0, -1.0], sign=True) == "-1.0 ± 0.0"


def quiet() -> Console:
    return Console(quiet=True)


def test_processes_side_by_side_and_a_failure_stops_nobody_else(figures, tmp_path):
    methods = {
        "source_only": METHODS["source_only"],
        "diverges": {"settings": {"optimizer.adaptation_lr": 1e30}},
    }
    file = write_plan(tmp_path, figures, methods=methods, seeds=[0])
    out, plan = tmp_path / "out", read_plan(file)
    failed = run_plan(plan, own_command(file, out, None), out, quiet(), jobs=2)
    assert failed == ["figures/diverges/seed_0"]
    assert [state_of(t, out).done for t in plan.trainings] == [True, True, False]
    assert gather(plan, out).missing == ["figures/diverges/seed_0"]


def test_parameters_of_a_cluster_are_numbers_where_they_look_like_it():
    """Submitit refuses a time limit that is a text."""
    given = ["slurm_partition=gpu", "timeout_min=600", "slurm_time=1:00:00", "slurm_comment=a=b"]
    assert cluster_options(given) == {
        "slurm_partition": "gpu",
        "timeout_min": 600,
        "slurm_time": "1:00:00",
        "slurm_comment": "a=b",
    }
    for wrong in ("timeout_min", "=600"):
        with pytest.raises(InputError, match="NAME=VALUE"):
            cluster_options([wrong])


def test_submitit_runs_what_a_cluster_would(figures, tmp_path):
    """Its own processes stand in for the cluster."""
    file = write_plan(tmp_path, figures, methods={"all_levels": None}, seeds=[0], baseline=None)
    out, plan = tmp_path / "out", read_plan(file)
    # The first stage is enough: what follows is handed in the same way.
    plan = dataclasses.replace(plan, trainings=plan.trainings[:1])
    command, options = own_command(file, out, None), {"cluster": "local"}
    assert run_plan(plan, command, out, quiet(), 1, "slurm", options) == []
    assert state_of(plan.trainings[0], out).done
    with pytest.raises(InputError, match="can't be used here"):
        run_plan(read_plan(file), command, tmp_path / "other", quiet(), 1, "slurm")


def test_what_starts_from_a_failed_first_stage_is_not_tried(figures, tmp_path):
    plan = read_plan(write_plan(tmp_path, figures, seeds=[0]))
    failed = run_plan(plan, ["false"], tmp_path / "out", quiet())
    assert failed == [t.name for t in plan.trainings]
    with pytest.raises(InputError, match="known are"):
        plan.training("nothing")


def test_a_method_without_the_source_starts_where_the_others_do(tmp_path):
    """Though the pair's settings name the source; and its steps count as done."""
    methods = {
        "source_only": {"preset": "source_only"},
        "free": {"preset": "source_free"},
        "named": {"preset": "source_free", "settings": {"source": "other.json"}},
        "null": {"preset": "multilevel", "settings": {"source": None}},
    }
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0]))
    found = {t.method: t for t in plan.trainings}
    only, free, named, null = (found[name] for name in methods)
    assert len([t for t in plan.trainings if t.method is None]) == 1 + 1  # 'named' has its own
    assert free.first_stage == null.first_stage == only.first_stage != named.first_stage
    assert (free.config.source, null.config.source) == (None, None)
    assert named.config.source == "other.json"
    assert free.config.steps.source == 4
    assert free.config.prior.weight > 0 == plan.trainings[0].config.prior.weight
    # Without a length of the source stage in the budget it is the pair's.
    budget = {name: v for name, v in TINY.items() if name != "steps.source"}
    plan = read_plan(write_plan(tmp_path, methods=methods, seeds=[0], budget=budget))
    found = {t.method: t for t in plan.trainings}
    assert found["free"].config.steps.source == 400
    assert found["free"].first_stage == found["source_only"].first_stage


def test_a_method_without_the_source_is_trained_and_scored(comparison, figures, tmp_path):
    _, out = comparison
    again = tmp_path / "out"
    shutil.copytree(out, again)
    methods = {"free": {"preset": "source_free"}}
    file = write_plan(tmp_path, figures, methods=methods, seeds=[0], baseline=None)
    training = read_plan(file).training("figures/free/seed_0")
    assert training.first_stage is not None and (again / training.first_stage).is_dir()
    for _ in range(2):  # the second finds all done, with the settings of the plan
        assert main(["bench", str(file), "--out", str(again), "--only", training.name]) == 0
    folder = again / training.name
    start = again / training.first_stage / "checkpoints" / "source" / "model.safetensors"
    assert (folder / "checkpoints" / "source" / "model.safetensors").read_bytes() == (
        start.read_bytes()
    )
    assert json.loads(score_file(training, again, "last").read_text())["protocol"]["step"] == 10
    judged = json.loads((folder / "validators" / "last.json").read_text())["values"]
    assert {"agreement", "pose_prior", "source_pck"} <= judged.keys()
