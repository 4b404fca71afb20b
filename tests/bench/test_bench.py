"""A whole comparison: trained and scored once, stopped and resumed, and its results file."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import yaml

from posebridge.bench import gather, read_plan, run_plan
from posebridge.bench.config_diff import require_same_settings
from posebridge.bench.job import get_state
from posebridge.bench.run_results import score_file, scored_checkpoints
from posebridge.cli.main import main
from posebridge.errors import InputError
from tests.bench.plans import METHODS, QUIET, write_plan


@pytest.fixture(scope="module")
def comparison(figures, tmp_path_factory) -> tuple[Path, Path]:
    """Run a whole comparison of two methods in this process; return (plan, folder)."""
    folder = tmp_path_factory.mktemp("bench")
    methods = {name: METHODS[name] for name in ("source_only", "all_levels")}
    file, out = write_plan(folder, figures, methods=methods, seeds=[0]), folder / "out"
    for training in read_plan(file).trainings:
        assert main(["bench", str(file), "--out", str(out), "--run", training.name]) == 0
    return file, out


def test_every_run_is_trained_and_scored_once(comparison, capsys):
    file, out = comparison
    folder = out / "figures" / "all_levels" / "seed_0"
    assert {p.stem for p in (folder / "scores").iterdir()} == {
        *("last", "selected", "step_000006", "step_000008", "step_000010")
    }
    judged = json.loads((folder / "validators" / "last.json").read_text())["values"]
    assert {"agreement", "pose_prior", "source_pck", "neighborhood_density"} <= judged.keys()
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    assert main(["bench", str(file), "--out", str(out), "--status"]) == 0
    assert capsys.readouterr().out.count("done ") == 3
    assert main(["bench", str(file), "--out", str(out)]) == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before
    made = {p.name for p in out.iterdir() if p.is_file()}
    assert made == {*("scores.csv", "figures.md", "figures.tex", "figures.png", "validators.md")}
    assert "6 checkpoints of 2 runs" in (out / "validators.md").read_text()


def test_checkpoints_of_one_step_are_scored_once_under_each_name(comparison):
    folder = comparison[1] / "figures" / "all_levels" / "seed_0"
    read = {
        n: json.loads((folder / "scores" / f"{n}.json").read_text())
        for n in ("last", "step_000010")
    }
    for name, scores in read.items():
        assert scores["protocol"].pop("selection") == scores["protocol"].pop("weights") == name
        tta = {"views": 2, "flip": True, "rotation": 180.0}
        assert tta.items() <= scores["protocol"].items()
    assert read["last"] == read["step_000010"]
    judged = [(folder / "validators" / f"{n}.json").read_text() for n in read]
    assert judged[0] == judged[1]


def test_table_holds_the_scores(comparison, capsys):
    file, out = comparison
    assert main(["bench", str(file), "--out", str(out), "--tables-only"]) == 0
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


def test_resume_of_a_run_is_bit_exact(comparison, tmp_path):
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
    assert not get_state(training, again).done
    # A run from before the data settings existed has their defaults.
    stored = yaml.safe_load((folder / "config.yaml").read_text())
    del stored["data"]
    (folder / "config.yaml").write_text(yaml.safe_dump(stored))
    # The copy starts from the copied source stage: a path may differ, a setting may not.
    assert main(["bench", str(file), "--out", str(again), "--run", name]) == 0
    assert weights.read_bytes() == before
    assert get_state(training, again).done


def test_another_config_in_the_folder_is_refused(comparison, figures, tmp_path, capsys):
    """Refuse it for a finished and a started run, before any run starts."""
    _, out = comparison
    again = tmp_path / "out"
    shutil.copytree(out, again)
    methods = {"all_levels": {"config": {"feature.weight": 0.7}}}
    other = write_plan(tmp_path, figures, methods=methods, seeds=[0], baseline=None)
    arguments = ["bench", str(other), "--out", str(again)]
    assert main(arguments) == 2
    assert "started with another config (feature)" in capsys.readouterr().err
    name = "figures/all_levels/seed_0"
    (again / name / "finished.json").unlink()
    assert main([*arguments, "--run", name]) == 2
    assert "started with another config (feature)" in capsys.readouterr().err


def test_scores_with_another_tta_are_computed_again(comparison):
    file, out = comparison
    training = read_plan(file).training("figures/all_levels/seed_0")
    assert get_state(training, out).done
    for change in ({"views": 3}, {"flip": False}, {"rotation": 20.0}):
        tta = dataclasses.replace(training.tta, **change)
        state = get_state(dataclasses.replace(training, tta=tta), out)
        assert state.trained and not state.scored


def test_tables_leave_out_other_plans(comparison, figures, tmp_path):
    """Leave out another test set, TTA or threshold, and runs with an unscored checkpoint."""
    file, out = comparison
    plan, name = read_plan(file), "figures/all_levels/seed_0"
    assert gather(plan, out).missing == []
    for change in (
        {"tta": dataclasses.replace(plan.training(name).tta, views=3)},
        {"thresholds": [0.05, 0.2]},
        {"test": "other.json"},
        {"test_image_root": "elsewhere"},
    ):
        others = [t if t.name != name else dataclasses.replace(t, **change) for t in plan.trainings]
        other = dataclasses.replace(plan, trainings=others)
        assert gather(other, out).missing == [name]
        assert not get_state(other.training(name), out).scored
    again = tmp_path / "out"
    shutil.copytree(out, again)
    score_file(plan.training(name), again, "step_000008").unlink()
    assert gather(plan, again).missing == [name]
    judged = again / "figures" / "source_only" / "seed_0" / "validators" / "last.json"
    values = json.loads(judged.read_text())
    values["source_validation"] = "other.json"
    judged.write_text(json.dumps(values))
    assert not get_state(plan.training("figures/source_only/seed_0"), again).scored


def test_another_initial_model_is_refused(comparison):
    file, out = comparison
    training = read_plan(file).training("figures/all_levels/seed_0")
    require_same_settings(training, out)
    config = dataclasses.replace(training.config, init_from="other.zip")
    for other in (
        dataclasses.replace(training, source_stage="figures/source_stage/seed_0_00000000"),
        dataclasses.replace(training, source_stage=None, config=config),
    ):
        with pytest.raises(InputError, match="another config \\(init_from\\)"):
            require_same_settings(other, out)


def test_half_written_checkpoint_is_ignored(comparison):
    file, out = comparison
    training = read_plan(file).training("figures/all_levels/seed_0")
    before = scored_checkpoints(training, out)
    (out / training.name / "checkpoints" / "step_000004.partial").mkdir()
    assert scored_checkpoints(training, out) == before


def test_method_with_another_tta_shares_the_run(comparison, figures, tmp_path, capsys):
    _, out = comparison
    again = Path(shutil.copytree(out, tmp_path / "out"))
    methods = {**METHODS, "once": {"config": {"tta.views": 1}}}
    del methods["no_feature"]
    file = write_plan(tmp_path, figures, methods=methods, seeds=[0])
    plan, name = read_plan(file), "figures/once/seed_0"
    first = plan.training("figures/all_levels/seed_0")
    assert [get_state(t, again).done for t in plan.trainings] == [True, True, True, False]
    assert get_state(plan.training(name), again).trained
    assert main(["bench", str(file), "--out", str(again)]) == 0
    assert "runs with other test-time augmentation: 0 of 1 are done" in capsys.readouterr().out
    assert [p.name for p in (again / name).iterdir()] == ["scores"]
    tta = json.loads(score_file(plan.training(name), again, "last").read_text())["protocol"]
    assert tta["method"] == "once" and "views" not in tta
    assert gather(plan, again).missing == []
    assert "6 checkpoints of 2 runs" in (again / "validators.md").read_text()  # scored once
    # Without the run folder, no model is scored.
    (again / first.name / "finished.json").unlink()
    assert main(["bench", str(file), "--out", str(again), "--run", name]) == 2
    assert f"{first.name}, which is not finished" in capsys.readouterr().err
    assert run_plan(plan, ["false"], again, QUIET) == [first.name, name]


def test_results_file_replaces_runs_done_elsewhere(comparison, tmp_path, capsys):
    """Write equal tables from it without any training, not even of the source stage."""
    file, out = comparison
    record, elsewhere = tmp_path / "record.json", tmp_path / "elsewhere"
    arguments = ["bench", str(file), "--results-file", str(record), "--out"]
    assert main([*arguments, str(out), "--tables-only"]) == 0
    content = json.loads(record.read_text())["runs"]
    assert content.keys() == {f"figures/{name}/seed_0" for name in ("source_only", "all_levels")}
    assert str(out) not in record.read_text()
    capsys.readouterr()
    assert main([*arguments, str(elsewhere)]) == 0
    assert "source stages: 1 of 1 are done or not needed" in capsys.readouterr().out
    assert not list(elsewhere.rglob("*.safetensors"))
    for name in ("scores.csv", "figures.md", "validators.md"):
        assert (elsewhere / name).read_text() == (out / name).read_text()
    assert json.loads(record.read_text())["runs"] == content
    # Another threshold needs the checkpoints, which are missing here.
    other = write_plan(
        tmp_path,
        thresholds=[0.2],
        **{k: v for k, v in yaml.safe_load(file.read_text()).items() if k != "thresholds"},
    )
    capsys.readouterr()
    name = "figures/source_only/seed_0"
    assert main(["bench", str(other), "--out", str(elsewhere), "--run", name]) == 2
    assert "its checkpoints are not here" in capsys.readouterr().err


def test_results_file_entry_with_another_config_is_skipped_and_kept(comparison, tmp_path, capsys):
    file, out = comparison
    record = tmp_path / "record.json"
    assert (
        main(
            ["bench", str(file), "--out", str(out), "--results-file", str(record), "--tables-only"]
        )
        == 0
    )
    changed = yaml.safe_load(file.read_text())
    changed["methods"]["all_levels"]["config"] = {"feature.weight": 0.7}
    other = write_plan(tmp_path, **changed)
    before, fresh = record.read_text(), tmp_path / "fresh"
    capsys.readouterr()
    assert (
        main(["bench", str(other), "--out", str(fresh), "--results-file", str(record), "--status"])
        == 0
    )
    told = capsys.readouterr().out
    assert "all_levels/seed_0 was recorded with other feature" in told.replace("\n", " ")
    assert "to do    figures/all_levels/seed_0" in told
    assert "done     figures/source_only/seed_0" in told
    assert (
        main(
            [
                "bench",
                str(other),
                "--out",
                str(fresh),
                "--results-file",
                str(record),
                "--tables-only",
            ]
        )
        == 0
    )
    assert record.read_text() == before
    # Written for one plan and read by another: the message is that of a run with another config.
    changed["methods"]["source_only"]["config"] = {"source_view.rotation": 3}
    assert main(["bench", str(write_plan(tmp_path, **changed)), "--out", str(fresh)]) == 2
    assert "started with another config (source_view" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "{}", '{"runs": {"a": {"config": 1}}}', "nothing"])
def test_file_that_is_not_a_results_file_is_refused(text, tmp_path, capsys):
    record = tmp_path / "record.json"
    record.write_text(text)
    plan = str(write_plan(tmp_path))
    arguments = [
        "bench",
        plan,
        "--out",
        str(tmp_path / "out"),
        "--results-file",
        str(record),
        "--tables-only",
    ]
    assert main(arguments) == 2
    assert str(record) in capsys.readouterr().err
    assert record.read_text() == text


def test_unknown_run_is_refused(comparison, capsys):
    file, out = comparison
    assert main(["bench", str(file), "--out", str(out), "--run", "figures/dann/seed_0"]) == 2
    assert "figures/all_levels/seed_0" in capsys.readouterr().err


def test_source_free_method_is_trained_and_scored(comparison, figures, tmp_path):
    _, out = comparison
    again = tmp_path / "out"
    shutil.copytree(out, again)
    methods = {"free": {"preset": "source_free"}}
    file = write_plan(tmp_path, figures, methods=methods, seeds=[0], baseline=None)
    training = read_plan(file).training("figures/free/seed_0")
    assert training.source_stage is not None and (again / training.source_stage).is_dir()
    for _ in range(2):  # the second call finds every run done
        assert main(["bench", str(file), "--out", str(again), "--run", training.name]) == 0
    folder = again / training.name
    start = again / training.source_stage / "checkpoints" / "source" / "model.safetensors"
    assert (folder / "checkpoints" / "source" / "model.safetensors").read_bytes() == (
        start.read_bytes()
    )
    assert json.loads(score_file(training, again, "last").read_text())["protocol"]["step"] == 10
    judged = json.loads((folder / "validators" / "last.json").read_text())["values"]
    assert {"agreement", "pose_prior", "source_pck"} <= judged.keys()
