"""``posebridge app``: a page on this machine that predicts and that monitors trainings.

    loaded_models.py   the models of the command line, opened: of a run, before and after its adaptation
    upload.py          files dropped on the page, checked by content and stored in the app's folder
    predictions.py     every model's points of one upload, and the files to download
    overlay.py         images with skeletons, and the table of points, as HTML
    run_monitor.py     a run folder read again and again while it grows
    training.py        the state of a run, as HTML
    page.py            both tabs in gradio, with page.css
    predict_tab.py     the tab that predicts
    training_tab.py    the tab that monitors a training
    components.py      what both tabs are made of
    request_filter.py  which requests the server takes, and from whom
    server.py          the socket on this machine, the temporary folder, start and end

The functions that decide something take and return plain values; only page, tabs and server import
gradio or a web server. Nothing here reads a path that came from the page: runs and models are those of
the command line, and an upload is a file that the server itself stored.
"""
