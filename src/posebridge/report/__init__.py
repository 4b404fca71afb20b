"""Reports for people: whether an adaptation helped, the dataset page, overlays and progress.

run_page.py         the page of a finished run
gallery.py          photographs before and after the adaptation
training_curves.py  curves over the steps
check_page.py       the dataset page of ``posebridge check``
check_pictures.py   crops of its subjects, and density maps
page_template.py    pages made from the templates and styles in ``page/``
page/               templates and style sheets of both pages
charts.py           small charts as SVG
skeleton_svg.py     skeletons as SVG over images, for both pages and the app
side_colors.py      colors of left, right and middle
data_uri.py         images inside a page
summary.py          the summary at the end of a run
overlays.py         skeletons painted on images
overlay_video.py    skeletons painted on the frames of a video
overlay_writers.py  overlays as writers of the prediction pipeline
comparison.py       models side by side on the same labeled images
disagreement.py     disagreement of two models on the same images
previews.py         previews of training steps in the run folder
style_sheet.py      images of two domains, restyled
skeletons.py        skeletons as tables and plots
plots.py            matplotlib figures as files
progress.py         progress of a run
progress_bar.py     a bar with the time left, or plain lines in a log
console.py          the console of the commands
"""
