"""The method, one file a level. Tensors only: no files, no training loop.

    image.py        image level: source views in the style of the target
    feature.py      feature level: a domain discriminator behind gradient reversal
    pose.py         pose level: information maximization on heatmaps
    facing.py       the way a subject faces, on the source and on the target
    consistency.py  the mean teacher: pseudo-labels and the error against them
    disparity.py    an adversarial regressor (RegDA)
    refinement.py   first labels that give way to updated ones (Li and Lee)

To add a loss: a pure function of tensors here, with its equation, range and source in the
docstring; a weight for it in ``adaptation/config.py``; a name in ``adaptation/schedule.py``; a call in
``adaptation/levels.py``. A test needs a value table worked out by hand and a gradient check.
"""
