"""Images inside a page, as data URIs."""

from __future__ import annotations

import base64
from typing import Literal

import cv2
import numpy as np


def data_uri(
    image: np.ndarray, kind: Literal["jpeg", "png", "webp"] = "webp", quality: int = 86
) -> str:
    """Return an (H, W, 3) RGB image as a data URI; ``quality`` is for jpeg and webp."""
    options = {
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        "png": [],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }[kind]
    done, content = cv2.imencode(f".{kind}", np.ascontiguousarray(image[:, :, ::-1]), options)
    assert done
    return f"data:image/{kind};base64,{base64.b64encode(content.tobytes()).decode('ascii')}"
