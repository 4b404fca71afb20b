"""``posebridge app``: a page on this machine that predicts and that watches trainings.

loaded_models.py      the models of the command line, opened: of a run, before and after its adaptation
upload.py     what was dropped on the page, judged by its content and taken into a folder of our own
predictions.py    every model's points of one upload, and the files to download
overlay.py    photographs with skeletons, and the table of points, as HTML
watching.py   a run folder read again and again while it grows
training.py   what is known of a run, as HTML
page.py       both tabs in gradio, page.css beside it: predict_tab.py, training_tab.py, components.py
request_filter.py      what may be asked of the server, and by whom
server.py     the socket on this machine, the folder for what is temporary, start and end

The functions that decide something take and return plain values; only the last three lines know
gradio or a web server. Nothing here reads a path that came from the page: runs and models are those of
the command line, and an upload is a file that the server itself stored.
"""
