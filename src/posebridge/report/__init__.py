"""What a person looks at: progress, overlays, sheets of pictures.

progress.py  a bar with the time left, or plain lines where there is no terminal
overlays.py  skeletons on images
run_page.py  did it help? a page on a finished run, its charts and photographs beside it
pictures.py  what a training step looked at, as sheets in the run folder
"""
