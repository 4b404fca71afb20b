"""Files in and out: read within bounds, written whole or not at all.

    json_files.py      the one reader and writer of JSON
    yaml_files.py      the one reader of YAML: plain data only, bounded in size, depth and aliases
    typed_values.py    values checked against the annotations of the dataclass that they fill
    bounds.py          how deep a text file may be nested, and values short enough for a message
    plain_pickles.py   pickles of plain values, read without running anything
    pickled_arrays.py  pickles of numpy arrays, read without numpy's own unpickling
    given.py           paths that are not empty, and are files and not pipes
    places.py          a place that is written to, tried before the work
    whole.py           a file or a folder that appears when it is complete, or not at all
    apart.py           work in a process of its own, for libraries that crash where a disk is full
    digested.py        a file that ends with a checksum of itself, so that damage is never read
    locks.py           one process at a time in a folder or on a file

No other room calls ``json.load``, ``yaml.load`` or ``os.replace`` on a user's file.
"""
