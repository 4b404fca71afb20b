"""The annotation formats: each read, recognized and, where it can be, written.

    registry.py              the formats: how each is recognized, read, written, and what it can hold
    coco.py                  COCO keypoint files
    coco_content.py          checks of what such a file holds
    coco_ids.py              ids that are numbers or text
    coco_categories.py       categories, with or without keypoint names
    coco_writer.py           writes COCO
    yolo.py                  Ultralytics YOLO-pose
    yolo_dataset.py          its data.yaml and lists of images
    yolo_labels.py           its label files
    yolo_writer.py           writes YOLO-pose
    deeplabcut.py            DeepLabCut projects and tables
    deeplabcut_csv.py        its tables as text
    deeplabcut_h5.py         its tables as HDF5
    deeplabcut_images.py     the image of each row, and crops of analyzes
    deeplabcut_writer.py     writes DeepLabCut
    label_studio.py          Label Studio's exports
    label_studio_regions.py  its results as regions of one image
    label_studio_images.py   its images and uploads
    label_studio_writer.py   writes Label Studio
    sleap_io_formats.py      SLEAP, NWB, LEAP, JABS, AlphaTracker, through sleap-io
    sleap_files.py           checks of a SLEAP file before sleap-io reads it
    sleap_frames.py          where its frames are, and virtual crops
    sleap_io_writer.py       writes SLEAP and NWB
    hdf5_files.py            HDF5 opened within bounds
    unity_solo.py            Unity Perception's SOLO datasets
    detections.py            boxes of a detector
    detections_csv.py        boxes of a detector in a table
    table_text.py            the text of a table, and its missing values
    megadetector.py          MegaDetector's JSON

To add a format: a reader of ``Annotations``, a reader of images and boxes that never reads
keypoints, perhaps a writer, and an entry in ``FORMATS`` of ``registry.py``.
"""
