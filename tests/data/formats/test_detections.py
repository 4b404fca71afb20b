"""COCO of CVAT, and boxes of detectors, by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posebridge.data.reading import (
    DataConfig,
    read_annotations,
    read_labeled,
    read_unlabeled,
)
from posebridge.errors import InputError
from tests.data.formats.test_yolo import yolo
from tests.data.formats.tool_files import SAMPLES, picture, text


def test_the_folder_that_cvat_exports(tmp_path):
    picture(tmp_path / "images/default/frame_000000.PNG")
    content = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "date_created": ""},
        "categories": [
            {
                "id": 3,
                "name": "hand",
                "supercategory": "",
                "keypoints": ["tip", "root"],
                "skeleton": [[1, 2]],
            }
        ],
        "images": [{"id": 1, "width": 100, "height": 50, "file_name": "frame_000000.PNG"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 3,
                "segmentation": [],
                "area": 12.0,
                "bbox": [1, 2, 4, 3],
                "iscrowd": 0,
                "attributes": {"occluded": False, "track_id": 5, "keyframe": True},
                "keypoints": [1.0, 2.0, 2, 5.0, 5.0, 1],
                "num_keypoints": 2,
            }
        ],
    }
    text(tmp_path / "annotations/person_keypoints_default.json", json.dumps(content))
    found = read_annotations(tmp_path)
    assert found.files == [tmp_path / "images/default/frame_000000.PNG"]
    assert found.visibility.tolist() == [[2, 1]] and found.individuals == ["5"]
    assert read_unlabeled(tmp_path).boxes.tolist() == [[1, 2, 4, 3]]
    text(tmp_path / "annotations/person_keypoints_test.json", json.dumps(content))
    with pytest.raises(InputError, match="holds 2 keypoint files"):
        read_labeled(tmp_path)


def test_boxes_of_a_detector(tmp_path):
    photos = tmp_path / "photos"
    picture(photos / "000000000785.jpg")
    picture(photos / "b.jpg")
    results = [
        {"image_id": 785, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.9},
        {"image_id": 785, "category_id": 1, "bbox": [5, 5, 3, 4], "score": 0.8},
        {"file_name": "b.jpg", "bbox": [0, 0, 50, 20], "score": 0.2},
    ]
    file = text(tmp_path / "boxes.json", json.dumps(results))
    found = read_unlabeled(file, photos)
    assert found.boxes.tolist() == [[1, 2, 30, 40], [5, 5, 3, 4], [0, 0, 50, 20]]
    assert [found.path(i).name for i in range(3)] == ["000000000785.jpg"] * 2 + ["b.jpg"]
    said: list[str] = []
    strict = DataConfig(min_score=0.5, min_box_size=10)
    assert read_unlabeled(file, photos, None, strict, said.append).boxes.tolist() == [
        [1, 2, 30, 40]
    ]
    assert said == ["2 of 3 boxes are left out for their score or size"]
    with pytest.raises(InputError, match="no box of score 0.95 .* the highest score is 0.9"):
        read_unlabeled(file, photos, options=DataConfig(min_score=0.95))
    with pytest.raises(InputError, match="boxes of a detector and no keypoints"):
        read_labeled(file, photos)
    listed = {"images": [{"id": 785, "file_name": "b.jpg"}]}
    coco = text(photos / "images.json", json.dumps(listed))
    text(file, json.dumps(results[:2]))
    assert read_unlabeled(file, coco).path(0) == photos / "b.jpg"


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("file_name,x,y,w,h,score", "b.jpg,1,2,30,40,0.9"),
        ("score,image,x1,y1,x2,y2,label", "0.9,b.jpg,1,2,31,42,person"),
        ("path,left,top,width,height,confidence", "b.jpg,1,2,30,40,0.9"),
        ("filename,xmin,ymin,xmax,ymax", "b.jpg,1,2,31,42"),
    ],
)
def test_boxes_in_a_csv(tmp_path, header, row):
    picture(tmp_path / "b.jpg")
    file = text(tmp_path / "boxes.csv", f"{header}\n{row}\n")
    assert read_unlabeled(file).boxes.tolist() == [[1, 2, 30, 40]]
    scored = "score" in header or "confidence" in header
    if scored:
        assert len(read_unlabeled(file, options=DataConfig(min_score=0.9))) == 1
    else:
        with pytest.raises(InputError, match="has no scores"):
            read_unlabeled(file, options=DataConfig(min_score=0.9))
    file.write_text(f"{header}\n{row.replace('b.jpg', 'gone.jpg')}\n")
    with pytest.raises(InputError, match="entry 1 names the image .*gone.jpg"):
        read_unlabeled(file)


def test_boxes_of_one_category(tmp_path):
    """A detector finds chairs too; a category chooses the boxes, and messages list the categories."""
    picture(tmp_path / "a.png")
    entries = [
        {"file_name": "a.png", "category_id": kind, "bbox": [x, 1, 5, 5], "score": 0.5}
        for kind, x in ((62, 1), (1, 2), (62, 3))
    ]
    results = text(tmp_path / "results.json", json.dumps(entries))
    table = "file_name,x,y,w,h,class\na.png,1,1,5,5,chair\na.png,2,1,5,5,person\n"
    csv = text(tmp_path / "boxes.csv", table)
    yolo(tmp_path / "set")
    coco = text(
        tmp_path / "coco.json",
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.png"}],
                "categories": [{"id": 1, "name": "person"}, {"id": 62, "name": "chair"}],
                "annotations": [
                    {"id": i, "image_id": 1, "category_id": e["category_id"], "bbox": e["bbox"]}
                    for i, e in enumerate(entries)
                ],
            }
        ),
    )
    for file, kind, left, right in (
        (results, "1", 3, [2]),
        (csv, "person", 2, [2]),
        (coco, "chair", 3, [1, 3]),
        (tmp_path / "set", "calf", 2, [5]),
    ):
        assert len(read_unlabeled(file)) == left
        said = said_of(file)
        assert "2 categories are taken as subjects: " in said[-1]
        chosen = read_unlabeled(file, options=DataConfig(category=kind), say=said.append)
        assert chosen.boxes[:, 0].tolist() == right
    assert "taken as subjects: '62' (2), '1' (1); to take" in said_of(results)[0]
    with pytest.raises(InputError, match=r"no box of category 'dog'; it has 'chair' \(2\), 'pers"):
        read_unlabeled(coco, options=DataConfig(category="dog"))
    with pytest.raises(InputError, match="images without boxes"):
        read_unlabeled(tmp_path / "a.png", options=DataConfig(category="dog"))


def said_of(file: Path) -> list[str]:
    said: list[str] = []
    read_unlabeled(file, say=said.append)
    return said


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is missing")
def test_published_detections():
    boxes = SAMPLES / "coco/test_coco_det_AP_H_56.json"
    found = read_unlabeled(boxes, SAMPLES / "coco/test_coco.json")
    assert len(found) == len(json.loads(boxes.read_text()))
    assert found.path(0).is_file()


@pytest.mark.parametrize(
    "table",
    [
        "file_name;x;y;w;h\nsub\\a.png;1,5;2;5;4\n",
        "file_name\tx\ty\tw\th\n a.png \t1.5\t2\t5\t4\n\n",
        '\ufeff"file_name","x","y","w","h"\n"a.png","1.5","2","5","4"\n',
        "file_name,cx,cy,w,h\nC:\\data\\a.png,4,4,5,4\n",
        "file_name,x1,y1,x2,y2\na.png,1.5,2,6.5,6\n",
    ],
)
def test_tables_of_boxes_in_common_layouts_are_read(tmp_path, table):
    picture(tmp_path / "sub" / "a.png")
    found = read_unlabeled(text(tmp_path / "boxes.csv", table))
    assert found.boxes.tolist() == [[1.5, 2, 5, 4]]
    assert found.path(0) == tmp_path / "sub" / "a.png"


def test_detector_boxes_in_fractions_are_refused(tmp_path):
    picture(tmp_path / "a.png")
    entry = {"file_name": "a.png", "bbox": [0.1, 0.2, 0.5, 0.6], "score": 0.9}
    for file in (
        text(tmp_path / "boxes.csv", "file_name,x,y,w,h\na.png,.1,.2,.5,.6\n"),
        text(tmp_path / "yolo.csv", "image,class,cx,cy,width,height\na.png,0,.5,.5,.2,.2\n"),
        text(tmp_path / "results.json", json.dumps([entry])),
    ):
        with pytest.raises(InputError, match="smaller than a pixel.* where pixels are expected"):
            read_unlabeled(file)


def test_megadetector_is_read(tmp_path):
    """MegaDetector's boxes are fractions; a failed image has no boxes."""
    picture(tmp_path / "a.png")
    one = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.5, 0.6]}
    content = {
        "images": [{"file": "a.png", "detections": [one]}, {"file": "b.png", "failure": "x"}],
        "detection_categories": {"1": "animal"},
        "info": {},
    }
    file = text(tmp_path / "md.json", json.dumps(content))
    found = read_unlabeled(file, options=DataConfig(category="animal", min_score=0.5))
    assert found.boxes.round(4).tolist() == [[10, 10, 50, 30]]
    content["images"][0]["detections"][0]["bbox"] = [10, 10, 50, 30]
    with pytest.raises(
        InputError, match="look like pixels, where fractions of the image are expected"
    ):
        read_unlabeled(text(tmp_path / "md.json", json.dumps(content)))


def test_detections_never_go_onto_another_image(tmp_path):
    picture(tmp_path / "cam1" / "1.png")
    file = text(
        tmp_path / "boxes.csv", "file_name,x,y,w,h\ncam1/1.png,1,1,5,5\ncam2/1.png,2,2,5,5\n"
    )
    with pytest.raises(InputError, match="two names, 'cam1/1.png' and 'cam2/1.png', give one file"):
        read_unlabeled(file)


def boxes_of(file: Path, **options: object) -> tuple[list[str], list[list[float]], list[str]]:
    """Return the names of the images, the boxes, and the messages."""
    said: list[str] = []
    found = read_unlabeled(file, say=said.append, **options)  # pyright: ignore[reportArgumentType]
    names = [found.path(row).name for row in range(len(found))]
    return names, found.boxes.tolist(), said


BOX = [1, 2, 40, 30]


def test_detections_without_a_box_are_left_out_and_counted(tmp_path):
    picture(tmp_path / "a.png")
    rows = [{"file_name": "a.png", "bbox": box} for box in ([], None, [1, 1, 0, 9], BOX)]
    table = (
        "image,x,y,w,h,score\na.png,,,,,\na.png,NA,NA,NA,NA,\na.png,1,1,0,9,\na.png,1,2,40,30,NA\n"
    )
    for file in (
        text(tmp_path / "d.json", json.dumps(rows)),
        text(tmp_path / "d.csv", table),
    ):
        names, boxes, said = boxes_of(file)
        assert (names, boxes) == (["a.png"], [BOX])
        assert said == [f"{file}: 3 of 4 boxes are left out, since they are empty"]


def test_number_that_names_two_images_is_refused(tmp_path):
    for name in ("1.png", "0001.png"):
        picture(tmp_path / name)
    file = text(tmp_path / "d.json", json.dumps([{"image_id": 1, "bbox": BOX}]))
    with pytest.raises(InputError, match=r"0001.png and .*1.png both have that name"):
        read_unlabeled(file)


def test_ids_of_detections_are_those_of_the_listing(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    listing = {"annotations": [], "categories": []}

    def read(ids: list, wanted: object) -> list[str]:
        images = [{"id": i, "file_name": f"{n}.png"} for i, n in zip(ids, "ab", strict=True)]
        images_file = text(tmp_path / "images.json", json.dumps({**listing, "images": images}))
        detections = text(tmp_path / "d.json", json.dumps([{"image_id": wanted, "bbox": BOX}]))
        return boxes_of(detections, images=images_file)[0]

    for ids, wanted in (([1, 2], "2"), ([1, 2], 2.0), (["0001", "0002"], 2), (["x", "y"], "y")):
        assert read(ids, wanted) == ["b.png"]
    with pytest.raises(InputError, match="belongs to image 1, which .* lacks"):
        read(["x", "y"], 1)


def test_listed_image_without_a_box_competes_for_a_file(tmp_path):
    picture(tmp_path / "cam1/1.png")
    images = [{"id": n, "file_name": f"cam{n}/1.png"} for n in (1, 2)]
    listing = text(tmp_path / "images.json", json.dumps({"images": images, "annotations": []}))
    file = text(tmp_path / "d.json", json.dumps([{"image_id": 2, "bbox": BOX}]))
    with pytest.raises(InputError, match="two names, .* give one file"):
        read_unlabeled(file, listing)
    alone = text(tmp_path / "d.json", json.dumps([{"file_name": "cam2/1.png", "bbox": BOX}]))
    assert "The image 'cam2/1.png' is not where its name says" in boxes_of(alone)[2][0]


@pytest.mark.parametrize(
    ("table", "boxes"),
    [
        ("# by hand\nimage,x,y,w,h\na.png,1,2,40,30\n# the end\n", [BOX]),
        (",image,x,y,w,h,score\n0,a.png,1,2,40,30\n", [BOX]),
        ('image, x, y, w, h\n"a.png", 1, 2, 40, 30,,\n', [BOX]),
        ("image;x;y;w;h\na.png;1,0;2;40;30\n", [BOX]),
        ("image,x_center,y_center,width,height\na.png,21,17,40,30\n", [BOX]),
        ("image,x_min,y_min,x_max,y_max\na.png,1,2,41,32\n", [BOX]),
    ],
)
def test_tables_of_boxes_are_read_as_pandas_reads_them(tmp_path, table, boxes):
    picture(tmp_path / "a.png")
    assert boxes_of(text(tmp_path / "d.csv", table))[1] == boxes


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("image,x,y,w,h,x\na.png,1,2,40,30,7\n", "2 columns 'x'"),
        ('image,x,y,w,h\na.png,"1,5",2,40,30\n', "line 2 holds '1,5'"),
        ("image,x,y,w,h\na.png,1_0,2,40,30\n", "line 2 holds '1_0'"),
        ("image,x,y,w,h\na.png,1,2,40,30,50\n", "line 2 has 6 cells"),
        ("image,x,y,w,h\n,1,2,40,30\n", "line 2 has no name"),
    ],
)
def test_tables_of_boxes_that_can_be_read_in_two_ways_are_refused(tmp_path, table, words):
    picture(tmp_path / "a.png")
    with pytest.raises(InputError, match=words):
        read_unlabeled(text(tmp_path / "d.csv", table))


def test_image_whose_name_begins_as_a_comment_is_read(tmp_path):
    picture(tmp_path / "#a.png")
    assert boxes_of(text(tmp_path / "d.csv", "image,x,y,w,h\n#a.png,1,2,40,30\n"))[0] == ["#a.png"]
