"""Trained models as folders: saved, loaded, checked and shared.

    model_folder.py    save and load a model folder, as a folder, a zip or an id on the hub
    archive.py         the files of a model in a folder or a zip, within bounds, with checksums
    config_file.py     config.yaml of a model folder, read by type
    results_file.py    results.json of a model folder, read by type
    weights_header.py  the header of a safetensors file against the network, before tensors are read
    card.py            the model card
    hub.py             models on the Hugging Face hub

Loading a model never runs code that came with it.
"""
