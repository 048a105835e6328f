"""The beginning of a source: read once, and kept in memory for everything that examines the file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator


class Head:
    """The first bytes of a source: as many as have been asked for, but at most about ``size``."""

    def __init__(self, read: Callable[[], Generator[bytes]], size: int) -> None:
        self._read = read
        self._size = size
        self._kept: list[bytes] = []
        self._length = 0
        self._running: Generator[bytes] | None = read()
        self._is_whole = False

    def chunks(self) -> Iterator[bytes]:
        """The source from its beginning. Beyond the head it is read again for every caller but the first."""
        place = 0
        while place < len(self._kept) or self._grow():
            yield self._kept[place]
            place += 1
        if not self._is_whole:
            yield from self._beyond()

    def sample(self, size: int) -> bytes:
        """The first ``size`` bytes, or fewer if the source is shorter."""
        parts: list[bytes] = []
        length = 0
        for chunk in self.chunks():
            parts.append(chunk)
            length += len(chunk)
            if length >= size:
                break
        return b"".join(parts)[:size]

    def stop(self) -> None:
        """Stop reading, since somebody else is about to read the same file. What was read is kept."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _grow(self) -> bool:
        """Read and keep one more chunk. False if the source has ended, or if no more may be kept."""
        running = self._running
        if running is None or self._length >= self._size:
            return False
        # An error ends the reading: the next caller who gets this far reads the source anew, and gets the same error.
        self._running = None
        chunk = next(running, None)
        if chunk is None:
            self._is_whole = True
            return False
        self._running = running
        self._kept.append(chunk)
        self._length += len(chunk)
        return True

    def _beyond(self) -> Iterator[bytes]:
        running, self._running = self._running, None
        if running is not None:
            yield from running
            return
        passed = self._length
        for chunk in self._read():
            if len(chunk) > passed:
                yield chunk[passed:]
            passed = max(passed - len(chunk), 0)
