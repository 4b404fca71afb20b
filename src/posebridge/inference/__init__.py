"""A trained model on new images.

predictor.py   images in, keypoints in the pixels of those images out
scoring.py     a model on labelled images
run_folder.py  a finished run opened again: settings, data, what no training saw of them
judging.py     source weights against adapted ones on photographs without labels
trust.py       calibration of both on labelled images
"""
