"""What trains: the typed configuration, one step of adaptation, and the choice of weights.

    config.py          every setting, with its default and its explanation
    presets.py         named YAML files that set some of them
    hardware.py         device, precision, worker processes
    views.py           random views of crops
    initialization.py           where a run starts: a new student, or a model with or without its source
    bone_prior.py           what is kept of the source's poses: lengths of bones, shapes
    l2sp.py          a pull back to the weights from before the adaptation
    style_bank.py     the image level of a run: style network and banks
    adapter.py         one step, as a LightningModule that reads top to bottom
    loss_terms.py          what each level says of a step
    auxiliary_networks.py       networks that some methods need while they train
    optimizer.py       groups of parameters and their rates
    pseudo_labels.py       the pseudo-labels of a batch
    watching.py        terms that are not finite, and what each term does
    schedule.py        learning rate, weights of the losses and randomness as functions of the step
    validators.py       label-free validators
    style_training.py  the decoder of the style network
    callbacks.py       CSV log, checkpoints and the validator, as callbacks
    heartbeat.py       how far a run is and whether it is still alive
    metrics_file.py    metrics.csv and its one reader
    resume_file.py     what a run resumes from, checked before it is written and read
    origin.py          where a run began and on which data
    splits.py          which images training sees, and which it does not
    memory.py          how the CPU's memory is held while training
    run.py             a run folder: from data and a configuration to checkpoints

Nothing here can read a target's keypoints: ``run.train`` takes the target as
``UnlabelledSamples``, which has no field for them.
"""
