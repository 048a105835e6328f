"""Files that requests bring, while they are received: on disk, and held by a lock as long as their process lives."""

from __future__ import annotations

import fcntl
from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler


class HoldingUploadHandler(TemporaryFileUploadHandler):
    """Django's own, whose files tell the sweeper that somebody is at them (``stored_files.forget_abandoned``).

    A process that is killed cannot delete what it has received, which may be gigabytes.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Make the file, and lock it until it is closed."""
        super().new_file(*args, **kwargs)
        fcntl.flock(self.file.fileno(), fcntl.LOCK_SH)
