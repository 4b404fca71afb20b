"""Text files in and out: read with bounds, written whole or not at all.

- ``apart.py``: work in a process of its own, for libraries that crash where a disk is full
- ``bounds.py``: how deep a text file may be nested, and values short enough for a message
- ``json_files.py``: the one reader and writer of JSON
- ``yaml_files.py``: the one reader of YAML: plain data only, bounded in size, depth and aliases
- ``places.py``: a place that is written to, tried before the work
- ``given.py``: paths that are not empty, and are files and not pipes
- ``whole.py``: a file or a folder that appears when it is complete, or not at all
- ``digested.py``: a file that ends with a checksum of itself, so that damage is never read
- ``locks.py``: one process at a time in a folder or on a file

No other room calls ``json.load``, ``yaml.load`` or ``os.replace`` on a user's file.
"""
