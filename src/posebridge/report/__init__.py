"""What a person looks at: progress, overlays, sheets of pictures.

progress_bar.py       a bar with the time left, or plain lines where there is no terminal
progress.py  the same for a training
overlays.py  skeletons on images
overlay_video.py  the same on the frames of a video
run_page.py  did it help? a page on a finished run, its charts and photographs beside it
training_curves.py    its curves over the steps, drawn and in words
previews.py  what a training step looked at, as sheets in the run folder
skeletons.py skeletons as tables and pictures
check_page.py, check_pictures.py, check_charts.py   the page of a look at data
disagreement.py  two models on the same images, and where they are apart
"""
