"""The networks; this room reads no data, computes no loss and trains nothing.

    pose.py              the pose model: encoder, deconvolutions, heatmaps
    encoder.py           any timm model as a list of feature maps, pretrained or from a local file
    encoder_args.py      the arguments of an encoder that a configuration may give
    encoder_weights.py   encoder weights from a local file
    finite.py            checks that weights are finite numbers
    batchnorm.py         batch normalization in a run that alternates between two domains
    discriminator.py     the patch-wise domain discriminator
    adversarial_head.py  a second head for RegDA
    refinement_block.py  a block that refines heatmaps, for coarse to fine
    style.py             AdaIN style transfer with a fixed encoder
    tta.py               the config of test-time augmentation

An encoder needs no code: name any timm model that has ``features_only``. To add an architecture,
write a module with the ``forward`` and ``stride`` of ``PoseModel``, and add three lines to
``tests/models/test_pose.py``.
"""
