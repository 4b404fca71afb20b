"""The method, one file a level. Tensors only: no files of data, no Lightning.

The levels, in the order in which a step calls them:

- ``style_transfer.py``: views in the style of the other domain (image level)
- ``mean_teacher.py``: pseudo-labels of an averaged model, and the error against them
- ``bone_prior.py``: pseudo-labels with implausible bones count less
- ``facing.py``: which way a subject faces; ``label_shift.py`` corrects a delivered model
- ``coarse_to_fine.py``: first labels that give way to those of a refinement block
- ``domain_adversarial.py``: a discriminator behind gradient reversal (feature level)
- ``information_maximization.py``: certain for each image, diverse over the batch (pose level)
- ``regda.py``: an adversarial regressor
- ``l2sp.py``: a pull back to the weights from before the adaptation

What they share:

- ``level.py``: the contract of a level and the registry
- ``step.py``: what one step has computed so far
- ``style_bank.py``: notions of style, and a bank of them
- ``bone_lengths.py``: how long bones are beside each other
- ``pseudo_labels.py``: a teacher's views, their vote, and what is kept
- ``heatmap_loss.py``: the error between heatmaps

To add a level: one file with a config dataclass, pure functions with their equation, range and source,
and a subclass of :class:`~posebridge.alignment.level.Level` with ``@register``. Import the file below,
in its place in the order, and give ``AdaptConfig`` a field for its config, whose docstring is the text
of ``--help``. The total loss, the log, the model card, the report and the source stage of ``bench``
follow. A test needs a value table worked out by hand and a gradient check.
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
