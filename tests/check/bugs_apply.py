#!/usr/bin/env python3
"""bugs_apply.py ROOT: can every bug of tests/sim/bugs still be sown? Who changes the code changes the patch."""
import pathlib
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
patches = sorted((root / "tests/sim/bugs").glob("*.patch"))
spoilt = 0
for patch in patches:
    run = subprocess.run(["patch", "-p1", "--dry-run", "--force", "--fuzz=0", "-i", patch], cwd=root,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        print(f"{patch.relative_to(root)} does not apply:\n{run.stdout}{run.stderr}")
        spoilt += 1
print(f"{len(patches) - spoilt} of {len(patches)} apply")
sys.exit(spoilt > 0 or not patches)
