"""The built-in synthetic figures: a benchmark of adaptation that needs no download.

figures.py  the datasets: source, target and test, written as COCO folders
poses.py    poses in three dimensions
bodies.py   bodies to paint: a pose before the camera, projected
looks.py    painting a body, and the plain look
camera.py   the camera look: a body as a photograph might show it
"""
