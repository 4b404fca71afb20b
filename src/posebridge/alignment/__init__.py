"""The method, one file a level. Tensors only: no files, no training loop.

    style_transfer.py        image level: source views in the style of the target
    domain_adversarial.py      feature level: a domain discriminator behind gradient reversal
    pose.py         pose level: information maximization on heatmaps
    facing.py       the way a subject faces, on the source and on the target
    mean_teacher.py  the mean teacher: pseudo-labels and the error against them
    regda.py    an adversarial regressor (RegDA)
    coarse_to_fine.py   first labels that give way to updated ones (Li and Lee)

To add a loss: a pure function of tensors here, with its equation, range and source in the
docstring; a weight for it in ``training/config.py``; a name in ``training/schedule.py``; a call in
``training/loss_terms.py``. A test needs a value table worked out by hand and a gradient check.
"""
