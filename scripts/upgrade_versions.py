"""The version before and this one, built."""

import pathlib
import shutil
import subprocess

# What may stand beside this one. A release moves it.
BEFORE = "cf633b9"
ROOT = pathlib.Path(__file__).resolve().parent.parent


def is_known():
    """Whether the version before is in this clone; says so if not."""
    known = subprocess.run(["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"], cwd=ROOT, check=False, capture_output=True)
    if known.returncode:
        print(f"left out: the version before ({BEFORE}) is not in this clone")
    return not known.returncode


def binaries():
    """Both programs. They share the target folder, so that the dependencies are built once; cargo puts both in the same place there."""
    folder = ROOT / "target" / "before"
    before = folder / f"doorward-{BEFORE}"
    if not before.exists():
        source = folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
        build("--manifest-path", source / "Cargo.toml")
        shutil.copy(ROOT / "target" / "debug" / "doorward", before)
        shutil.rmtree(source)
    build()
    return before, ROOT / "target" / "debug" / "doorward"


def build(*options):
    subprocess.run(["cargo", "build", "--quiet", "--target-dir", ROOT / "target", *options], cwd=ROOT, check=True)
