"""Models as one file for other runtimes.

    export.py        ONNX, TorchScript, a PyTorch program, OpenVINO; pre-processing and decoding inside
    requirements.py  options, packages, place and size, checked before the work
    quantization.py  weights and activations of 8 bits
    runtimes.py      exported files opened in the runtimes that they are made for

To add a format: a writer and an ending in ``export.py``, an opener in ``runtimes.py``, and its name
in the shared test of ``tests/inference/test_export.py``.
"""
