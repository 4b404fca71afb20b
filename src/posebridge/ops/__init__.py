"""Pure batched tensor functions: no state, no files, no loop over samples or joints.

affine.py    random affine views, and points that travel with them
facing.py      left and right taken apart: sides of the body, and the way it faces
heatmaps.py    Gaussians drawn and read between the cells
color_augmentation.py  colours, blur, noise, pasted patches
style.py       channel statistics, AdaIN, low frequencies
"""
