"""``posebridge app``: a local page that predicts and that monitors training runs.

    loaded_models.py   loaded models; of a run, before and after its adaptation
    upload.py          files dropped on the page, checked by content and stored in the app's folder
    predictions.py     every model's points of one upload, and the files to download
    overlay.py         images with skeletons, and the table of points, as HTML
    run_monitor.py     a run folder read incrementally while it grows
    training.py        the state of a run, as HTML
    page.py            both tabs in gradio, with page.css
    predict_tab.py     the tab for predictions
    training_tab.py    the tab that monitors a training
    components.py      components that both tabs use
    request_filter.py  the requests that the server accepts
    server.py          the socket on this machine, the temporary folder, start and end

Functions with logic take and return plain values; only page, tabs and server import gradio or a web
server. No path from the page is read: runs and models come from the command line, and an upload is a
file that the server itself stored.
"""
