"""Methods under one protocol: pairs of domains, methods and seeds, run, scored and laid side by side.

- ``plan``: a YAML file as a list of trainings; those that share a first stage share it.
- ``first_stage``: which settings the source stage alone has.
- ``begun``: whether what lies in a folder is of the settings that the plan has.
- ``work``: one training, or one scoring, as a job that can be killed and called again.
- ``scored``: what is there of its scores, and whether that is what the plan asks for.
- ``launch``: jobs as processes of this machine, or through submitit on a cluster.
- ``outcome``: scores gathered over seeds; Markdown, CSV and LaTeX tables, curves.

Labels of a target are read by the scoring alone, after the training of that run has ended.
"""

from posebridge.bench.launchers import Launcher, run_plan
from posebridge.bench.plan import Plan, read_plan
from posebridge.bench.results import Outcome, gather, write_outcome

__all__ = ["Launcher", "Outcome", "Plan", "gather", "read_plan", "run_plan", "write_outcome"]
