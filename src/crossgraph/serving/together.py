"""Records that arrive at the same time are matched together, in one thread beside the server's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from crossgraph.serving.records import Candidate, Record

# Records that are matched at once, and those that may wait for it.
MOST_TOGETHER, MOST_WAITING = 64, 2_000
# While records keep coming, work on them waits so many seconds, and again, so many times at most.
BREATH, MOST_BREATHS = 0.001, 10


class BusyError(Exception):
    """More waits already than may wait."""


class Together:
    """Asks a function that is not for several threads, and that costs less by the record for many at once.

    match   candidates of each of some records
    seen    told how many records were matched at once
    """

    def __init__(
        self, match: Callable[[Sequence[Record]], list[list[Candidate]]], seen: Callable[[int], None]
    ) -> None:
        self._match, self._seen = match, seen
        self._waiting: deque[tuple[Record, asyncio.Future[list[Candidate]]]] = deque()
        self._thread = ThreadPoolExecutor(1, "match")
        self._working: asyncio.Task[None] | None = None
        self._last = 1

    def __len__(self) -> int:
        """How many records wait."""
        return len(self._waiting)

    async def ask(self, records: Sequence[Record]) -> list[list[Candidate]]:
        """The candidates of each record. Raises BusyError where too many wait, and what ``match`` raises."""
        if len(self._waiting) + len(records) > MOST_WAITING:
            raise BusyError
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[list[Candidate]]] = [loop.create_future() for _ in records]
        self._waiting.extend(zip(records, answers, strict=True))
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        # One record is what most requests bring, and needs nobody to wait for all.
        return [await answers[0]] if len(answers) == 1 else list(await asyncio.gather(*answers))

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        while self._waiting:
            await self._gather()
            size = min(len(self._waiting), MOST_TOGETHER)
            part = [self._waiting.popleft() for _ in range(size)]
            # Whoever asked may have gone meanwhile.
            part = [(record, answer) for record, answer in part if not answer.done()]
            if part:
                await self._answer(part)

    async def _gather(self) -> None:
        """Let those come in who are on their way; who is alone does not wait."""
        for _ in range(MOST_BREATHS):
            before = len(self._waiting)
            if self._last == 1 == before or before >= MOST_TOGETHER:
                return
            await asyncio.sleep(BREATH)
            if len(self._waiting) == before:
                return

    async def _answer(self, part: list[tuple[Record, asyncio.Future[list[Candidate]]]]) -> None:
        self._seen(len(part))
        self._last = len(part)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, self._match, [record for record, _ in part])
        except Exception as error:
            for _, answer in part:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), candidates in zip(part, found, strict=True):
            if not answer.done():
                answer.set_result(candidates)
