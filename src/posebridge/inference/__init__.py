"""A trained model on new images.

predictor.py               images in, keypoints in the pixels of those images out
network.py                 the protocol behind it: a PyTorch model or an exported file
onnx_network.py            an exported ONNX file
predictions.py             what a prediction consists of
batches.py                 a batch of results as arrays
predict_config.py          the config of one prediction
predict_pipeline.py        frame source, detector, predictor, smoothing, writers
frame_source.py            images, one video, or a camera
loops.py                   the loops of a prediction, for progress and resuming
resume.py                  resuming, wrapped around the loops
tta.py                     test-time augmentation: several views of each crop, merged
calibrated.py              calibrated confidence, by a run's calibration
calibrated_graph.py        a calibration as tensors, for exported files
detectors.py               detectors by name
detection.py               boxes of a detector on all images of a set
live.py                    keypoints of a camera's frames, one frame after another
smoothing.py               keypoints of a video smoothed over time
resume_cache.py            batches stored in a file as they come
provenance.py              what a prediction was made of, for resuming
writers.py                 predictions as files, by their ending
scoring.py                 scores of a model on labeled images
load_domains.py            source and target as the configuration names them
moved_data.py              the paths of a run's data, where the data moved
run_folder.py              a finished run: config, data, images that were held out
run_comparison.py          source checkpoint against adapted one on images without labels
confidence_calibration.py  calibration of both on labeled images
"""
