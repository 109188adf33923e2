"""All benchmarks, one process after the other; `make bench` runs this."""

import os
import subprocess
import sys
from pathlib import Path

from _report import read_options, surroundings

SCRIPTS = ("settle.py", "maps.py", "search.py", "field.py", "first_job.py")


def main() -> None:
    options = read_options(__doc__)
    arguments = sys.argv[1:]
    if options.markdown is not None:
        unfinished = options.markdown.with_suffix(".part")
        unfinished.write_text(f"Measured on {surroundings()}\n", encoding="utf-8")
        arguments += ["--markdown", str(unfinished)]
    print(surroundings())
    for script in SCRIPTS:
        command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
        subprocess.run(command, check=True)
    if options.markdown is not None:
        os.replace(unfinished, options.markdown)


if __name__ == "__main__":
    main()
