"""The config of one prediction: which model, which images, which boxes, which files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from posebridge.data.reading import DataConfig
from posebridge.data.videos.video import is_video
from posebridge.errors import InputError
from posebridge.models.tta import TTAConfig
from posebridge.ranges import NonNegative, StepCount, StepInterval, check_ranges

_DETECTOR_SCORE = 0.5


@dataclass(frozen=True)
class PredictConfig:
    """What ``posebridge predict`` does; one field for each of its options.

    Attributes:
        model: a run folder, a model folder, a zip of one, an id of the hub, or an ONNX file.
        images: a folder, a glob, an image, a video, an annotation file, a benchmark, or ``camera:0``.
        out: the files to write; the ending of each gives its format.
        checkpoint: of a run folder: ``last``, ``selected`` or ``source``.
        tta: test-time augmentation; None: as the model's config has it.
        calibrated: whether confidence is calibrated by the run's report.
        data_root: the folder of the benchmarks.
        image_root: for an annotation file, the folder of its images.
        format: the name of the annotation file's format; None: by content and ending.
        category: boxes of other categories are left out; None: all boxes count.
        min_score: boxes with a lower score are left out; None: 0, or 0.5 with a detector.
        min_box_size: boxes whose longer side is shorter are left out, pixels.
        frame_step: of a video or camera, take every n-th frame; 0: an even sample, or all of a camera.
        max_frames: size of the even sample.
        smooth: whether the points of a video or camera are smoothed over time.
        detector: ``FAMILY:MODEL``; None: the boxes of the file, or whole images.
        detector_weights: the file of the detector's weights; None: the library's download.
        detector_class: the class of the subjects.
        largest: whether the largest box of an image is the only subject.
        seconds: of a camera, the length; None: until Ctrl-C; 0: only what an earlier command kept.
        save_frames: of a camera, the folder to store frames in.
        overlays: a folder, or a video file, for the images with skeletons on them.
        min_confidence: keypoints below it are not drawn.
        overwrite: whether a video or camera starts again where an earlier command stopped or finished.

    Raises:
        InputError: a number out of its range, or fields that exclude each other.
    """

    model: str
    images: str
    out: tuple[str, ...]
    checkpoint: str = "last"
    tta: TTAConfig | None = None
    calibrated: bool = False
    data_root: str | None = None
    image_root: str | None = None
    format: str | None = None
    category: str | None = None
    min_score: NonNegative | None = None
    min_box_size: NonNegative = 0.0
    frame_step: StepCount = 0
    max_frames: StepInterval = 1000
    smooth: bool = False
    detector: str | None = None
    detector_weights: str | None = None
    detector_class: str = "person"
    largest: bool = False
    seconds: NonNegative | None = None
    save_frames: str | None = None
    overlays: str | None = None
    min_confidence: float = 0.2
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.out:
            raise InputError("no output is named; give a file with --out.")
        for out in map(Path, self.out):
            if out.exists() and Path(self.images).exists() and out.samefile(self.images):
                raise InputError(f"--out {out} is the file that is read; give another name.")
        if self.detector and self.category is not None:
            raise InputError(
                "--category selects boxes of a file; with --detector give --detector-class instead."
            )
        if not self.detector and (self.largest or self.detector_weights):
            option = "--largest" if self.largest else "--detector-weights"
            raise InputError(f"{option} needs a detector; name one with --detector.")
        if self.smooth and self.detector and not self.largest:
            raise InputError(
                "--smooth follows one subject; with --detector give --largest, or leave out --smooth."
            )

    @property
    def score_threshold(self) -> float:
        """The lowest score of a box that counts."""
        if self.min_score is not None:
            return self.min_score
        return _DETECTOR_SCORE if self.detector else 0.0

    @property
    def overlay_video(self) -> bool:
        """Whether the overlays are written as one video."""
        return self.overlays is not None and is_video(Path(self.overlays))

    @property
    def data(self) -> DataConfig:
        """Which frames of videos and which boxes of a file are read."""
        boxes_of_file = not self.detector
        return DataConfig(
            frame_step=self.frame_step,
            max_frames=self.max_frames,
            category=self.category,
            min_score=self.score_threshold if boxes_of_file else 0,
            min_box_size=self.min_box_size if boxes_of_file else 0,
        )
