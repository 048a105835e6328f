"""The beginning of a source: read once, kept, and read from memory by whoever asks what the file is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator


class Head:
    """The first bytes of a source: as many as somebody has asked for, and about ``size`` of them at most."""

    def __init__(self, read: Callable[[], Generator[bytes]], size: int) -> None:
        self._read = read
        self._size = size
        self._kept: list[bytes] = []
        self._length = 0
        self._running: Generator[bytes] | None = read()
        self._is_whole = False

    def chunks(self) -> Iterator[bytes]:
        """The source from its beginning. What lies beyond the head is read again for all but the first who want it."""
        place = 0
        while place < len(self._kept) or self._grow():
            yield self._kept[place]
            place += 1
        if not self._is_whole:
            yield from self._beyond()

    def sample(self, size: int) -> bytes:
        """The first ``size`` bytes, or all there are."""
        parts: list[bytes] = []
        length = 0
        for chunk in self.chunks():
            parts.append(chunk)
            length += len(chunk)
            if length >= size:
                break
        return b"".join(parts)[:size]

    def stop(self) -> None:
        """Read no further, since somebody else is about to read the same file. What is kept stays."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _grow(self) -> bool:
        """Keep another chunk. False where the source ends, and where no more are to be kept."""
        running = self._running
        if running is None or self._length >= self._size:
            return False
        # Where it raises, it has ended: whoever comes to this place again reads the source anew, and is told the same.
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
