"""What a person looks at: did it help, progress, overlays, pages.

run_page.py         the page on a finished run
page/               its template
gallery.py          its images before and after
training_curves.py  its curves over the steps
charts.py           small charts as SVG
plots.py            plots of matplotlib as files
summary.py          the summary at the end of a run
check_page.py       the page of ``posebridge check``
check_pictures.py   its images
check_charts.py     its charts
disagreement.py     two models on the same images, and where they differ
comparison.py       models side by side on the same labeled images
overlays.py         skeletons on images
overlay_video.py    skeletons on the frames of a video
overlay_writers.py  overlays as writers of the prediction pipeline
previews.py         what a training step sees, as sheets in the run folder
skeletons.py        skeletons as tables and pictures
style_sheet.py      what a style network makes of two domains
progress.py         progress of a training
progress_bar.py     a bar with the time left, or plain lines where there is no terminal
console.py          where commands print
"""
