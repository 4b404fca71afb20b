"""The method, one file for each level. Tensors only: no data files, no Lightning.

The levels, in the order in which a step calls them:

- ``style_transfer.py``: views in the style of the other domain (image level)
- ``mean_teacher.py``: pseudo-labels of an averaged model, and the error against them
- ``bone_prior.py``: a lower weight for pseudo-labels with implausible bones
- ``facing.py``: the direction a subject faces; ``label_shift.py`` corrects a delivered model
- ``coarse_to_fine.py``: first labels, then labels of a refinement block
- ``domain_adversarial.py``: a discriminator behind gradient reversal (feature level)
- ``information_maximization.py``: certain for each image, diverse over the batch (pose level)
- ``regda.py``: an adversarial regressor
- ``l2sp.py``: weight decay towards the weights from before the adaptation

Shared by the levels:

- ``level.py``: the contract of a level and the registry
- ``step.py``: the results of one step so far
- ``style_bank.py``: kinds of style, and a bank of styles
- ``bone_lengths.py``: the lengths of bones relative to each other
- ``pseudo_labels.py``: a teacher's views, their consensus, and the labels to keep
- ``heatmap_loss.py``: the error between heatmaps

To add a level, write one file with a config dataclass, pure functions with their equation, range and
source, and a subclass of :class:`~posebridge.alignment.level.Level` with ``@register``. Import the
file below, at its position in the order. Give ``AdaptConfig`` a field for its config; the config's
docstring is the text of ``--help``. The total loss, the log, the model card, the report and the source
stage of ``bench`` read the registry. The tests of a level are a value table worked out by hand and a
gradient check.
"""

# isort: off
from posebridge.alignment.style_transfer import StyleTransfer
from posebridge.alignment.mean_teacher import MeanTeacher
from posebridge.alignment.bone_prior import BonePrior
from posebridge.alignment.facing import Facing
from posebridge.alignment.coarse_to_fine import CoarseToFine
from posebridge.alignment.domain_adversarial import DomainAdversarial
from posebridge.alignment.information_maximization import InformationMaximization
from posebridge.alignment.regda import RegDA
from posebridge.alignment.l2sp import L2SP

# isort: on
from posebridge.alignment.level import LEVELS, Level, Setup, register

__all__ = [
    "L2SP",
    "LEVELS",
    "BonePrior",
    "CoarseToFine",
    "DomainAdversarial",
    "Facing",
    "InformationMaximization",
    "Level",
    "MeanTeacher",
    "RegDA",
    "Setup",
    "StyleTransfer",
    "register",
]
