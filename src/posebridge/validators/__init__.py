"""Label-free scores of a checkpoint, each with its values for single images.

    validators.py  the validators and their registry
    pose_prior.py  how plausible poses are by the shapes of the source

No validator takes anything of the target but crops: it chooses the checkpoint of a run.
"""
