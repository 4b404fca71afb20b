"""Files in, square crops out.

    samples.py     the one record: images and boxes, and apart from them keypoints
    keypoint_mapping.py   labels of one skeleton as labels of another
    checking/      a look at data before training: what is in it, what looks wrong
    reading.py     the one way in: labelled subjects, or images and boxes, of whatever is given
    registry.py     the annotation formats: recognised, read, written, what each can hold
    annotations.py all that an annotation file says; conversion.py  from one format to another
    coco.py        COCO keypoint files (coco_content.py checks them)
    yolo.py        Ultralytics YOLO-pose (yolo_dataset.py: its data.yaml), deeplabcut.py,
                   label_studio.py: read; X_writing.py writes
    label_studio_regions.py  its results as regions of one image; label_studio_images.py  their images
    deeplabcut_csv.py  DeepLabCut's tables as text; deeplabcut_images.py  the image of each row, crops
    sleap_io_formats.py SLEAP, NWB and what else sleap-io knows (sleap_files.py: what has to hold first,
                   sleap_frames.py: where frames are, and crops)
    hdf5_files.py  HDF5 opened with bounds; plain_pickles.py  pickles of plain values, nothing runs
    detections.py  boxes of a detector; image_folder.py  folders, globs, videos
    video.py       frames of videos as image files, kept in frame_cache.py's folder
    frame_numbers.py  which frame of a video is which, from its packets (video_packets.py,
                   frame_order.py, transport_stream.py); frame_decoder.py decodes the chosen ones
    video_file.py  the one way to open a video; ffmpeg_log.py  what FFmpeg logs meanwhile
    undecodable_frames.py  labels on frames that can't be decoded are left out
    camera.py      frames of a camera, as they come
    image_files.py images decoded upright as 8 bits; pixel_range.py  more than 8 bits
    folder_scan.py what a folder holds and leaves out; file_names.py  names as formats write them
    crops.py       square crops round a padded box, and back to the image's pixels
    loaders.py     endless paired batches, each a function of seed and step
    figures.py     built-in procedural figures in two looks
    benchmarks/    published datasets in the layout in which they are distributed

To add a format: a reader of ``Annotations``, one of images and boxes alone, both raising ``InputError``
with file, entry and remedy, and a record in ``FORMATS``.
"""
