"""Files in, square crops out.

    reading.py                the one way in: labeled subjects, or images and boxes
    samples.py                the record that training sees: images and boxes, keypoints apart
    annotations.py            everything an annotation file holds, for conversions
    conversion.py             from one format to another
    formats/                  the annotation formats, one file each, and their registry
    datasets/                 published datasets in the layout in which they are distributed
    quality/                  what ``posebridge check`` looks for
    videos/                   frames of videos
    camera.py                 frames of a camera, as they come
    image_folder.py           folders, globs and videos without annotations
    folder_scan.py            what a folder holds, and what is left out, counted by reason
    image_files.py            images decoded upright as 8 bits
    pixel_range.py            images of more than 8 bits
    image_names.py            names in annotation files resolved to files, never two to one
    file_names.py             names of files as formats write them
    units.py                  whether coordinates are in pixels or fractions
    keypoint_mapping.py       labels of one skeleton as labels of another
    crops.py                  square crops around a padded box, and back to the image's pixels
    loaders.py                endless paired batches, each a function of seed and step
    optional_dependencies.py  libraries that only some formats need

Errors are ``InputError`` with file, entry and remedy.
"""
