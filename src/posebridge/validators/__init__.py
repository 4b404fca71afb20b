"""Label-free scores of a checkpoint.

    validators.py  the validators and their registry
    pose_prior.py  the plausibility of poses, from the shapes of the source

A validator selects the checkpoint of a run, so its only input from the target is crops.
"""
