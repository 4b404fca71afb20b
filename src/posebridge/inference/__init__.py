"""A trained model on new images.

predictor.py               images in, keypoints in the pixels of those images out
network.py                 the protocol behind it: a PyTorch model or an exported file
onnx_network.py            an exported ONNX file
predictions.py             what a prediction consists of
tta.py                     test-time augmentation: several views of each crop, merged
calibrated.py              calibrated confidence, by a run's calibration
calibrated_graph.py        the same as tensors, for exported files
detectors.py               detectors by name
detection.py               boxes of a detector on all images of a set
live.py                    frames of a camera, one after another
smoothing.py               keypoints of a video smoothed over time
resume_cache.py            batches kept in a file as they come, for a run that may be killed
provenance.py              what a prediction was made of, to recognize it again
writers.py                 predictions as files, by their ending
scoring.py                 scores of a model on labeled images
load_domains.py            source and target as the configuration names them
moved_data.py              the data of a run found again where it moved to
run_folder.py              a finished run opened again: settings, data, images that no training saw
run_comparison.py          source checkpoint against adapted one on images without labels
confidence_calibration.py  calibration of both on labeled images
"""
