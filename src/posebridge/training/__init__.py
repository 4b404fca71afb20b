"""The training room: the configuration, one step of adaptation, and the run folder.

    config.py             every setting, with its default and its explanation
    training_config.py    the settings of optimizer and lengths
    presets.py            named YAML files of settings, and the options of the command line
    merged_settings.py    settings merged from files and options
    adapter.py            one step, as a LightningModule that reads top to bottom
    source_views.py       labeled views of a source batch
    schedule.py           learning rate, loss weights and randomness as functions of the step
    optimizer.py          groups of parameters and their learning rates
    initialization.py     the start of a run: a new student, or a model with or without its source
    source_poses.py       statistics of the source's poses that a run keeps
    fill_style_bank.py    the style network and the bank of a run
    style_training.py     trains the decoder of the style network
    splits.py             training images and held-out images
    callbacks.py          CSV log, checkpoints and the validator, as callbacks
    diagnostics.py        previews, losses that are not finite, gradients of each loss
    hardware.py           device, precision, worker processes
    lightning_logging.py  Lightning without its log messages
    heartbeat.py          progress.json: the progress of a run and whether it is still alive
    metrics_file.py       metrics.csv and its one reader
    resume_file.py        the file that a run resumes from, checked when written and when read
    origin.py             the folder that a run started in, and its data
    run.py                a run folder: from data and a configuration to checkpoints

Nothing here can read a target's keypoints: ``run.train`` takes the target as
``UnlabeledSamples``, which has no field for them.
"""
