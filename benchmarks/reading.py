"""Time and memory of reading a large COCO file.

    python benchmarks/reading.py                       # 200,000 annotations of 17 keypoints
    python benchmarks/reading.py --annotations 20000

Writes such a file into a temporary folder (an empty image file for every second annotation), reads
it in a process of its own, and prints seconds and the peak of its resident memory. Exits with 1
above 10 s or 1.5 GB for the default size on two cores.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

KEYPOINTS = 17
MOST_SECONDS, MOST_BYTES = 10.0, 1.5e9

READ = """
import resource, sys, time
from posebridge.data import reading
begin, processor = time.perf_counter(), time.process_time()
found = getattr(reading, sys.argv[1])(sys.argv[2])
print(len(found), time.perf_counter() - begin, time.process_time() - processor,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def write_file(folder: Path, annotations: int) -> Path:
    """Write a COCO file of ``annotations`` subjects with coordinates of two decimals."""
    luck = random.Random(0)
    (folder / "images").mkdir()
    images = []
    for number in range(max(1, annotations // 2)):
        name = f"{number:012d}.jpg"
        (folder / "images" / name).touch()
        images.append({"id": number, "file_name": name, "width": 640, "height": 480})
    poses = []
    for _ in range(500):  # written as text again and again; each is parsed anew
        keypoints = []
        for _ in range(KEYPOINTS):
            keypoints += [round(luck.uniform(0, 640), 2), round(luck.uniform(0, 480), 2), 2]
        poses.append(json.dumps(keypoints))
    rows = [
        f'{{"id": {number}, "image_id": {number // 2 % len(images)}, "category_id": 1, '
        f'"iscrowd": 0, "area": 4000.5, "bbox": [{number % 300}.25, 20.25, 100.5, 200.75], '
        f'"num_keypoints": {KEYPOINTS}, "keypoints": {poses[number % len(poses)]}}}'
        for number in range(annotations)
    ]
    names = [f"joint_{k}" for k in range(KEYPOINTS)]
    categories = [{"id": 1, "name": "person", "keypoints": names, "skeleton": [[1, 2]]}]
    file = folder / "annotations.json"
    file.write_text(
        f'{{"images": {json.dumps(images)}, "categories": {json.dumps(categories)}, '
        f'"annotations": [{", ".join(rows)}]}}'
    )
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=int, default=200_000)
    given = parser.parse_args()
    over = False
    with tempfile.TemporaryDirectory() as name:
        file = write_file(Path(name), given.annotations)
        print(f"{given.annotations} annotations, {file.stat().st_size / 1e6:.0f} MB")
        for function in ("read_labeled", "read_unlabeled", "read_annotations"):
            done = subprocess.run(
                [sys.executable, "-c", READ, function, str(file)],
                capture_output=True,
                text=True,
                check=True,
            )
            count, seconds, processor, peak = (float(v) for v in done.stdout.split())
            over |= seconds > MOST_SECONDS or peak > MOST_BYTES
            print(
                f"{function:<18} {count:8.0f} subjects  {seconds:6.1f} s  ({processor:.1f} s of a "
                f"processor)  {peak / 1e9:.2f} GB at most"
            )
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
