"""The networks: nothing here reads data, computes a loss or trains.

    pose.py              the pose model: encoder, deconvolutions, heatmaps
    encoder.py           any timm model as a list of feature maps, pretrained or from a local file
    encoder_args.py      the arguments of an encoder that a configuration may give
    encoder_weights.py   encoder weights from a local file
    finite.py            weights that must be finite numbers
    batchnorm.py         batch normalization in a training that sees two domains in turn
    discriminator.py     source or target, patch by patch
    adversarial_head.py  a second head for RegDA
    refinement_block.py  a block that refines heatmaps, for coarse to fine
    style.py             AdaIN style transfer with a fixed encoder
    tta.py               the settings of test-time augmentation

To add an encoder: nothing has to be written, name any timm model that has ``features_only``. To add
an architecture: a module with the ``forward`` and ``stride`` of ``PoseModel``, and three lines in
``tests/models/test_pose.py``.
"""
