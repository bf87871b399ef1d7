"""Files that imports read: nothing that would be waited for."""

from __future__ import annotations

import os

import pytest

from console.journal.infile import open_regular


def test_regular_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    os.symlink(tmp_path / "file", tmp_path / "link")
    for name in ("file", "link"):
        with open_regular(str(tmp_path / name)) as file:
            assert file.read() == b"x"
            assert os.get_blocking(file.fileno())


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "{}/pipe", "{}", "{}/none", "{}/\0"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises((OSError, ValueError)):
        open_regular(path.format(tmp_path))
