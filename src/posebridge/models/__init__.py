"""The networks: nothing here knows of files of data, losses or training.

    encoder.py        any timm model as a list of feature maps, pretrained or from a local file
    encoder_weights.py   such a file, whatever a training put before the names of its weights
    pose.py           encoder, deconvolutions, heatmaps
    discriminator.py  source or target, patch by patch
    style.py          AdaIN style transfer with a fixed encoder
    model_folder.py     a trained pose model as a folder
    archive.py      its files from a folder or a zip, and their checksums
    card.py           its model card
    hub.py            the same on the Hugging Face hub

To add an encoder: nothing is to be written, name any timm model that has ``features_only``. To add
an architecture: a module with the ``forward`` and ``stride`` of ``PoseModel``, and three lines in
``tests/models/test_pose.py``.
"""
