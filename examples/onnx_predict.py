"""Keypoints of one subject with numpy, OpenCV and onnxruntime only.

python onnx_predict.py MODEL.onnx IMAGE.jpg [X Y WIDTH HEIGHT]
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime

model, photo, *box = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
about = json.loads(session.get_modelmeta().custom_metadata_map["posebridge"])
size, names = about["input_size"], about["skeleton"]["keypoints"]

image = cv2.imread(photo, cv2.IMREAD_COLOR_RGB)
height, width = image.shape[:2]
x, y, w, h = map(float, box or (0, 0, width, height))
side = round(max(w, h) * (about["padding"] if box else 1))  # a square round the padded box
left, top = round(x + w / 2 - side / 2), round(y + h / 2 - side / 2)
padded = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_CONSTANT)
square = padded[top + side : top + 2 * side, left + side : left + 2 * side]
method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
crop = cv2.resize(square, (size, size), interpolation=method)

points, confidence = session.run(["points", "confidence"], {"images": crop[None]})
points = (points[0] + 0.5) * side / size - 0.5 + np.array([left, top])
for name, (px, py), sure in zip(names, points, confidence[0], strict=True):
    print(f"{name:<20} {px:9.2f} {py:9.2f} {sure:6.3f}")
