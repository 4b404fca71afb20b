"""Models as one file for other runtimes.

    export.py        ONNX, OpenVINO, a program of torch.export; pre-processing and decoding inside
    requirements.py  options, packages, output path and size, checked before the export
    quantization.py  8-bit weights and activations
    runtimes.py      exported files, opened in their runtimes

To add a format: a writer and an ending in ``export.py``, an opener in ``runtimes.py``, and its name
in the shared test of ``tests/inference/test_export.py``.
"""
