"""What a person looks at: progress, overlays, sheets of pictures.

progress.py  a bar with the time left, or plain lines where there is no terminal
overlays.py  skeletons on images
pictures.py  what a training step looked at, as sheets in the run folder
disagreement.py  two models on the same images, and where they are apart
"""
