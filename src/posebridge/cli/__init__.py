"""The command line: one file for each command, each with ``main(arguments) -> exit code``.

    main.py               the entry: dispatches to a command, turns errors into sentences and exit codes
    arguments.py          the options that commands share, the check of arguments
    renamed_options.py    old names of commands and options, which are refused with the new name
    settings_help.py      --help and --help-all of commands that take settings
    adapt.py app.py bench.py check.py compare.py convert.py datasets.py demo.py evaluate.py export.py
    predict.py push.py report.py skeleton.py synth.py train_style.py       the commands
    predict_runner.py     the prediction pipeline with the console of a command
    checkpoint_choice.py  the option that chooses a checkpoint of a run
    output_paths.py       outputs that a command writes to
    tta_options.py        the options of test-time augmentation

To add a command: a file here with ``main``, and a line in ``COMMANDS`` of ``main.py``. Heavy imports
stay inside ``main`` so that ``posebridge --help`` is fast.
"""
