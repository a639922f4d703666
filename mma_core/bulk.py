"""Tag files of any size: documents stream through in constant memory, in order, here or in several processes.

What is written to a file holds whole documents only, so a run that was cut off goes on where it stopped: the finished
documents are counted, a torn end is cut away, and the rest is appended. A note beside it says by which settings a file
was written, and a run with others does not go on with it.
"""

import fcntl
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from . import build, machine
from .errors import DataError
from .processes import pool
from .progress import Report
from .recipe import parse
from .runtime import Tagger, pools
from .spans import Span, tags, words

if TYPE_CHECKING:
    from concurrent.futures import Future

BLOCK = 256
CHUNKS_AHEAD = 2
EMPTY = "the text is empty; give TEXT, --file F, or lines on standard input"

Tag = Callable[[Iterable[str]], Iterable[list[Span]]]


@dataclass(frozen=True)
class Document:
    """One line of a file, and how many bytes of the file end with it."""

    text: str
    end: int


def documents(lines: Iterable[bytes], name: str) -> Iterator[Document]:
    """The documents of a file or stream: every line that is not blank, without its line end and a byte order mark.

    Raises:
        DataError: a line is not UTF-8, or there is no document.
    """
    end, found = 0, False
    for number, line in enumerate(lines, 1):
        end += len(line)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise DataError(f"{name} is not UTF-8 in line {number}: {error}") from error
        if text.strip():
            found = True
            yield Document(text, end)
    if not found:
        raise DataError(EMPTY)


def one_document(text: str) -> Iterator[Document]:
    """A text that is a document whole, line breaks and all.

    Raises:
        DataError: it is blank, or was not UTF-8.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise DataError(f"the text is not UTF-8: {error}") from error
    if not text.strip():
        raise DataError(EMPTY)
    yield Document(text, size)


def tagged(found: Iterable[Document], tag: Tag) -> Iterator[tuple[Document, list[Span]]]:
    """Each document with its entities, in order.

    Args:
        found: the documents.
        tag: tags a stream of texts in order, reading ahead as far as it likes.
    """
    waiting: deque[Document] = deque()

    def texts() -> Iterator[str]:
        for document in found:
            waiting.append(document)
            yield document.text

    for spans in tag(texts()):
        yield waiting.popleft(), spans


def row(text: str, language: str, spans: Iterable[Span]) -> dict[str, Any]:
    """A tagged document as it stands in JSON."""
    found = [
        {"start": s.start, "end": s.end, "label": s.label, "text": text[s.start : s.end], "score": s.score}
        for s in spans
    ]
    return {"text": text, "language": language, "spans": found}


@dataclass(frozen=True)
class Format:
    """A way to write documents.

    Attributes:
        render: text, language, entities → what is written.
        ends: whether a line, its line break included, is a document's last.
        bare: what of something written does not depend on the entities.
    """

    render: Callable[[str, str, list[Span]], str]
    ends: Callable[[bytes], bool]
    bare: Callable[[str], str]


def _json_line(text: str, language: str, spans: list[Span]) -> str:
    return json.dumps(row(text, language, spans), ensure_ascii=False) + "\n"


def _conll(text: str, language: str, spans: list[Span]) -> str:
    borders = words(text, language)
    cells = [(word.text, tag) for word, tag in zip(borders, tags(borders, spans), strict=True)]
    # A document without words, such as a line of invisible characters, still has to be seen to be finished.
    return "".join(f"{word}\t{tag}\n" for word, tag in cells or [("".join(text.split()), "O")]) + "\n"


FORMATS = {
    "jsonl": Format(_json_line, lambda line: True, lambda written: written.partition('"spans": [')[0]),
    "conll": Format(
        _conll,
        lambda line: line == b"\n",
        lambda written: "\n".join(line.partition("\t")[0] for line in written.split("\n")),
    ),
}


@dataclass(frozen=True)
class _Finished:
    """What an interrupted run left: so many whole documents, their bytes, the last of them, and a torn rest."""

    count: int
    size: int
    last: str
    torn: str


def _text(lines: Iterable[bytes]) -> str:
    return b"".join(lines).decode("utf-8", "ignore")


@dataclass(frozen=True)
class Target:
    """Where tagged documents go.

    Attributes:
        path: a file.
        format: how they are written.
        language: that they are in.
        settings: what else decides what is written, such as the recipe; all runs that write one file share it.
    """

    path: Path
    format: Format
    language: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def tag(self, source: Path, tag: Tag, *, report: Report, say: Callable[[str], None]) -> int:
        """Tag the documents of `source` that are not in this file yet, and append them.

        Args:
            source: the file to tag, one document a line.
            tag: tags a stream of texts in order.
            report: progress, by bytes of `source`.
            say: told if there was something to go on from.

        Returns:
            The number of documents in the file.

        Raises:
            DataError: the source cannot be read, or the file holds something else, was begun with other
                settings, or is being written to.
        """
        if not source.is_file():
            raise DataError(f"no such file: {source}")
        if self.path.exists() and not self.path.is_file():
            raise DataError(f"--out {self.path} is no file that can be gone on with; name one, or leave --out away")
        size = source.stat().st_size
        with self._opened() as out, source.open("rb") as lines:
            self._check_settings()
            done, rest = self._resumed(out, documents(lines, str(source)))
            if done:
                say(f"{self.path} holds {done:,} finished documents of {source}; going on after them")
            self._note_settings()
            stream = tagged(rest, tag)
            while block := list(islice(stream, BLOCK)):
                rendered = [self.format.render(document.text, self.language, spans) for document, spans in block]
                out.write("".join(rendered).encode("utf-8"))
                out.flush()
                done += len(block)
                report(block[-1][0].end / size, f"{done:,} documents")
        return done

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            file = self.path.open("a+b")
        except OSError as error:
            raise DataError(f"--out {self.path} cannot be written: {error.strerror}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(f"another process is writing to {self.path}; wait for it, or name another") from error
            yield file

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.settings.json")

    def _check_settings(self) -> None:
        # What older versions tagged has no such note, and what is beside an empty file says nothing.
        if not self._note.exists() or not self.path.stat().st_size:
            return
        try:
            begun = dict(json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"{self._note} does not say how {self.path} was tagged: {error}; name a new file"
            ) from error
        pairs = [(name, begun.get(name), own) for name, own in self.settings.items()]
        others = ", ".join(f"{name} {other} (not {own})" for name, other, own in pairs if other != own)
        if others:
            raise DataError(f"--out {self.path} was tagged with {others}; go on with that, or name a new file")

    def _note_settings(self) -> None:
        partial = self._note.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(dict(self.settings), ensure_ascii=False), encoding="utf-8")
            partial.replace(self._note)
        except OSError as error:
            raise DataError(f"{self._note} cannot be written: {error.strerror}") from error

    def _resumed(self, out: IO[bytes], found: Iterator[Document]) -> tuple[int, Iterator[Document]]:
        """Skip what is finished: its number, and the documents that are left."""
        finished = self._finished(out)
        last = next(islice(found, finished.count - 1, None), None) if finished.count else None
        if finished.count:
            ours = last is not None and self._bare(last) == self.format.bare(finished.last)
        else:
            first = next(found)
            found, ours = chain([first], found), self._begins(finished.torn, first)
        if not ours:
            raise DataError(f"--out {self.path} holds something else than these documents; name a new file")
        out.truncate(finished.size)
        return finished.count, found

    def _finished(self, out: IO[bytes]) -> _Finished:
        count, size = 0, 0
        last: list[bytes] = []
        block: list[bytes] = []
        out.seek(0)
        for line in out:
            block.append(line)
            if line.endswith(b"\n") and self.format.ends(line):
                count, size, last, block = count + 1, size + sum(map(len, block)), block, []
        return _Finished(count, size, _text(last), _text(block))

    def _bare(self, document: Document) -> str:
        return self.format.bare(self.format.render(document.text, self.language, []))

    def _begins(self, torn: str, document: Document) -> bool:
        whole, written = self._bare(document), self.format.bare(torn)
        return whole.startswith(written) or written.startswith(whole)


@dataclass(frozen=True)
class Workers:
    """Processes that share the work; each opens the recipe's tagger once.

    Attributes:
        recipe: canonical spelling; its artifact must have been built.
        teacher: the recipe's teacher.
        language: of the texts.
        count: number of processes, between which the processor threads are divided.
    """

    recipe: str
    teacher: str
    language: str
    count: int

    def tag(self, texts: Iterable[str]) -> Iterator[list[Span]]:
        """Tag a stream of texts in order; only a few chunks are on their way at a time."""
        threads = max(1, machine.available_threads() // self.count)
        waiting: deque[Future[list[list[Span]]]] = deque()
        processes = pool(self.count)
        try:
            for chunk in pools(texts, len):
                waiting.append(processes.submit(_tag_chunk, self, threads, chunk))
                if len(waiting) > CHUNKS_AHEAD * self.count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            processes.shutdown(cancel_futures=True)


def _tag_chunk(work: Workers, threads: int, texts: list[str]) -> list[list[Span]]:
    return _tagger(work.recipe, work.teacher, threads).tag_texts(texts, work.language)


@lru_cache(maxsize=1)
def _tagger(recipe: str, teacher: str, threads: int) -> Tagger:
    return build.tagger(parse(recipe), teacher=teacher, threads=threads)
