"""Writes a zip file completely or not at all, and with the same bytes each time."""

import os
import stat
import zipfile
from pathlib import Path

from tutorial.problem import Problem

# The date of all entries: the earliest date that a zip file can store.
DATE = (1980, 1, 1, 0, 0, 0)

# The suffixes of files that are compressed already.
STORED = (".whl", ".png", ".gz", ".woff2", ".jpg")


def check_place(name: str, *, replace: bool) -> Path:
    """Return the absolute path of the new zip file `name`.

    Raises Problem if no file can be created there, or if the file exists and `replace`
    is not set.
    """
    file = Path(name).expanduser().absolute()
    if file.suffix != ".zip":
        raise Problem(f"A pack is a zip file. Call it {name}.zip")
    if file.is_dir() or not file.parent.is_dir():
        missing = "would be in a folder that does not exist"
        what = "is a folder" if file.is_dir() else missing
        raise Problem(f"{name} {what}. Choose a different name for the pack.")
    if file.exists() and not replace:
        raise Problem(
            f"{name} exists already, so no file was written.\n"
            "Choose another name, or replace it with --force."
        )
    return file


def write(file: Path, entries: dict[str, bytes | Path]) -> None:
    """Write a zip file with these entries, sorted by name. Replaces an existing file.

    Raises Problem if that fails, for example because no space is left. In that case,
    and also if the program is interrupted, the folder stays as it was.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for name in sorted(entries):
                _add(archive, name, entries[name])
        part.replace(file)
    except OSError as error:
        raise Problem(
            f"{file} was not written: {error.strerror}.\n"
            "A pack needs about 250 MB for each platform. Choose another place for it."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    mode = 0o644
    if isinstance(content, Path):
        mode = 0o755 if content.stat().st_mode & stat.S_IXUSR else 0o644
        content = content.read_bytes()
    entry.external_attr = (stat.S_IFREG | mode) << 16
    entry.create_system = 3  # Unix, where files have modes
    is_stored = name.endswith(STORED)
    entry.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=9)
