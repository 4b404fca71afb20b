"""Files in, square crops out.

    samples.py     the one record: images and boxes, and apart from them keypoints
    coco.py        COCO keypoint files, in and out
    unlabelled.py  what can be a target: a folder, a glob, a COCO file's boxes
    crops.py       square crops round a padded box, and back to the image's pixels
    loaders.py     endless paired batches, each a function of seed and step
    figures.py     built-in procedural figures in two looks
    benchmarks/    published datasets in the layout in which they are distributed

To add a reader: write a file that returns ``LabelledSamples`` and ``UnlabelledSamples``, raise
``InputError`` with file, entry and remedy, and name its ending in ``unlabelled.py`` and ``coco.py``.
"""
