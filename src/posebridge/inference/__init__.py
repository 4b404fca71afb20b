"""A trained model on new images.

predictor.py     images in, keypoints in the pixels of those images out
predictions.py   what comes out, and the parts that it is made of
detectors.py     boxes by a detector with a name; detection.py: on all images of a set
live.py          frames as a camera gives them, one after another
resume_cache.py       batches kept in a file as they come, for a run that may be killed
record.py        what a prediction was made of, to know it again
views.py         several views of each crop, joined
calibrated.py       confidence as the chance of being right, by a run's calibration
calibrated_graph.py  the same as tensors, for exported files
smoothing.py     keypoints of a video made steady over time
writers.py       predictions as files, by their ending
scoring.py       the same on labelled images, with scores
network.py       what answers: a PyTorch model, or anything with ``keypoints(crops)``
onnx_network.py  an exported ONNX file in its place
export.py        a model as one file for other runtimes; quantization.py: in 8 bits
runtimes.py      exported files in the runtimes they are made for
load_domains.py       source and target as settings name them; not in the room that trains, which
                 can read no labels
run_folder.py    a finished run opened again: settings, data, what no training saw of them
run_comparison.py       source weights against adapted ones on photographs without labels
confidence_calibration.py         calibration of both on labelled images

To add a format: a writer and an ending in ``export.py``, an opener in ``runtimes.py``, and its name
in the shared test of ``tests/inference/test_export.py``.
"""
