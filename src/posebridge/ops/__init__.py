"""Pure batched tensor functions: no state, no files, no loop over samples or joints.

affine.py               random affine views, and points that travel with them
augmentation.py         random views of crops: one resampling, then color
augmentation_config.py  the ranges from which they are drawn
color_augmentation.py   color, blur, noise, pasted patches
facing.py               left and right factorized: side of the body, and the way it faces
heatmaps.py             Gaussians drawn and read between the cells
style.py                channel statistics, AdaIN, low frequencies
"""
