"""Runs as processes of this machine and through submitit."""

from __future__ import annotations

import dataclasses

import pytest

from posebridge.bench import gather, read_plan, run_plan
from posebridge.bench.job import get_state
from posebridge.bench.launchers import cluster_options, own_command
from posebridge.cli.main import main
from posebridge.errors import InputError
from tests.bench.plans import METHODS, QUIET, write_plan


@pytest.mark.parametrize("lost", ["test", "test_image_root", "source_validation"])
def test_missing_labels_are_reported_before_training(lost, tmp_path, capsys):
    for name in ("s.json", "t.json", "test.json"):
        (tmp_path / name).touch()
    words = {"test": "test.json", "source_validation": "s.json", lost: "gone.json"}
    pairs = {"people": {"config": {"source": "s.json", "target": "t.json"}, **words}}
    file, out = write_plan(tmp_path, pairs=pairs, seeds=[0]), tmp_path / "out"
    assert main(["bench", str(file), "--out", str(out), "--data-root", str(tmp_path)]) == 2
    assert f"{tmp_path / 'gone.json'} ({lost} of the pair 'people')" in capsys.readouterr().err
    assert not list(tmp_path.rglob("config.yaml"))
    # A dataset name is not a file.
    pairs["people"][lost] = "lsp:test"
    plan = read_plan(write_plan(tmp_path, pairs=pairs, seeds=[0]), tmp_path)
    assert run_plan(plan, ["false"], out, QUIET) == [t.name for t in plan.trainings]


@pytest.mark.slow
def test_failure_of_a_process_does_not_stop_the_others(figures, tmp_path):
    methods = {
        "source_only": METHODS["source_only"],
        "diverges": {"config": {"optimizer.adaptation_lr": 1e30}},
    }
    file = write_plan(tmp_path, figures, methods=methods, seeds=[0])
    out, plan = tmp_path / "out", read_plan(file)
    failed = run_plan(plan, own_command(file, out, None), out, QUIET, jobs=2)
    assert failed == ["figures/diverges/seed_0"]
    assert [get_state(t, out).done for t in plan.trainings] == [True, True, False]
    assert gather(plan, out).missing == ["figures/diverges/seed_0"]


def test_cluster_options_with_digits_become_numbers():
    """Pass numbers: submitit refuses a time limit that is a text."""
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


@pytest.mark.slow
def test_submitit_runs_the_jobs(figures, tmp_path):
    """Use submitit's local processes in place of a cluster."""
    file = write_plan(tmp_path, figures, methods={"all_levels": None}, seeds=[0], baseline=None)
    out, plan = tmp_path / "out", read_plan(file)
    # The source stage is enough: later runs are submitted alike.
    plan = dataclasses.replace(plan, trainings=plan.trainings[:1])
    command, options = own_command(file, out, None), {"cluster": "local"}
    assert run_plan(plan, command, out, QUIET, 1, "slurm", options) == []
    assert get_state(plan.trainings[0], out).done
    with pytest.raises(InputError, match="cannot be used here"):
        run_plan(read_plan(file), command, tmp_path / "other", QUIET, 1, "slurm")


def test_runs_after_a_failed_source_stage_are_skipped(figures, tmp_path):
    plan = read_plan(write_plan(tmp_path, figures, seeds=[0]))
    failed = run_plan(plan, ["false"], tmp_path / "out", QUIET)
    assert failed == [t.name for t in plan.trainings]
    with pytest.raises(InputError, match="known are"):
        plan.training("nothing")
