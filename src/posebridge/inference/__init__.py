"""A trained model on new images.

predictor.py  images in, keypoints in the pixels of those images out
"""
