"""Files of any size: in order, in constant memory, and nothing lost or doubled when a run is cut off."""

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import psutil
import pytest
from builds import Made
from hypothesis import given
from hypothesis import strategies as st

from mma_core import build, bulk, runtime, sources
from mma_core.bulk import FORMATS, Document, Target, documents, tagged
from mma_core.data import read_conll
from mma_core.errors import DataError
from mma_core.recipe import parse
from mma_core.spans import Span, words

pytest_plugins = ("engine_fixtures",)

TEXTS = ["Angela Merkel kam.", "王在北京。", "\u200b\u2060", 'Er sagte: "spans": [', "Anna\u2028und Otto 😀", "Ende"]


def capitals(texts: Iterable[str]) -> Iterator[list[Span]]:
    """Tag every capitalised word as a person."""
    for text in texts:
        yield [Span(word.start, word.end, "PER", 0.5) for word in words(text, "de") if word.text[0].isupper()]


def quiet(_fraction: float, _desc: str) -> None:
    """Report nothing."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The texts, one a line, with blank lines between some."""
    path = tmp_path / "texts.txt"
    path.write_text("\n".join([*TEXTS[:3], "", " \t", *TEXTS[3:]]) + "\n", encoding="utf-8", newline="")
    return path


def test_documents_are_the_lines_that_are_not_blank(source: Path) -> None:
    with source.open("rb") as lines:
        found = list(documents(lines, "x"))
    assert [document.text for document in found] == TEXTS
    assert found[0].end == len(TEXTS[0].encode()) + 1
    assert found[-1].end == source.stat().st_size


def test_a_documents_text_is_without_what_ends_a_line_and_begins_a_file() -> None:
    lines = ["\ufeffAnna kam.\r\n".encode(), "\ufeffCarl blieb.\n".encode()]
    found = list(documents(lines, "x"))
    assert [document.text for document in found] == ["Anna kam.", "\ufeffCarl blieb."]
    assert found[-1].end == sum(map(len, lines))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "the text is empty"),
        ([b"\n", b"  \n"], "the text is empty"),
        ([b"Ja\n", b"Caf\xe9\n"], "x is not UTF-8 in line 2"),
    ],
)
def test_documents_that_cannot_be_read(lines: list[bytes], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        list(documents(lines, "x"))


def test_a_text_is_one_document_whatever_its_lines() -> None:
    assert [document.text for document in bulk.one_document("Ja.\nNein.")] == ["Ja.\nNein."]
    for blank in ("", " \n"):
        with pytest.raises(DataError, match="the text is empty"):
            next(bulk.one_document(blank))
    with pytest.raises(DataError, match="not UTF-8"):
        next(bulk.one_document("\udcff"))


def test_documents_keep_their_entities_however_far_the_tagger_reads_ahead() -> None:
    found = [Document(text, 0) for text in TEXTS]

    def greedy(texts: Iterable[str]) -> Iterator[list[Span]]:
        return capitals(list(texts))

    for tag in (capitals, greedy):
        pairs = list(tagged(iter(found), tag))
        assert [document for document, _ in pairs] == found
        assert [spans for _, spans in pairs] == list(capitals(TEXTS))


def test_reading_is_never_far_ahead(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "POOL_TEXTS", 4)
    tagger, read = runtime.open_artifact(made("bert"), 1), count()
    endless = (f"Angela kam zum {number}. Mal." for number in read)
    found = list(islice(tagger.stream(endless, "de"), 21))
    assert len(found) == 21
    assert next(read) <= 21 + 3 * 4


lines = st.text().map(lambda text: text.replace("\n", " ")).filter(str.strip)
clean = st.one_of(lines, st.sampled_from(TEXTS))


@pytest.mark.parametrize("name", FORMATS)
@given(texts=st.lists(clean, min_size=1, max_size=4))
def test_what_is_written_comes_apart_again(name: str, texts: list[str]) -> None:
    style = FORMATS[name]
    for text, spans in zip(texts, capitals(texts), strict=True):
        rendered = style.render(text, "de", spans)
        assert rendered.endswith("\n")
        ends = [style.ends(line + b"\n") for line in rendered.encode().split(b"\n")[:-1]]
        assert ends == [False] * (len(ends) - 1) + [True]
        assert style.bare(rendered) == style.bare(style.render(text, "de", []))
        assert style.bare(rendered) != style.bare(style.render(f"{text} more", "de", []))


def test_json_lines(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert Target(out, FORMATS["jsonl"], "de").tag(source, capitals, report=quiet, say=print) == len(TEXTS)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["language"] for row in rows] == ["de"] * len(TEXTS)
    assert rows[0]["spans"][0] == {"start": 0, "end": 6, "label": "PER", "text": "Angela", "score": 0.5}


def test_conll(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.conll"
    Target(out, FORMATS["conll"], "de").tag(source, capitals, report=quiet, say=print)
    found = list(read_conll(out))
    assert [sentence.words for sentence in found if sentence.words[0] != TEXTS[2]] == [
        tuple(word.text for word in words(text, "de")) for text in TEXTS if words(text, "de")
    ]
    assert found[0].tags == ("B-PER", "B-PER", "O", "O")
    assert len(found) == len(TEXTS), "a document without words counts too"


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_that_was_cut_off_anywhere_goes_on(source: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    said: list[str] = []
    target = Target(out, FORMATS[name], "de")
    target.tag(source, capitals, report=quiet, say=said.append)
    assert said == []
    whole = out.read_bytes()
    for cut in range(len(whole) + 1):
        out.write_bytes(whole[:cut])
        tagged_again: list[str] = []

        def watched(texts: Iterable[str], seen: list[str] = tagged_again) -> Iterator[list[Span]]:
            for text in texts:
                seen.append(text)
                yield from capitals([text])

        assert target.tag(source, watched, report=quiet, say=said.append) == len(TEXTS)
        assert out.read_bytes() == whole, f"cut at {cut}"
        done = len(TEXTS) - len(tagged_again)
        assert tagged_again == TEXTS[done:]
        finished = [
            FORMATS[name].render(text, "de", spans) for text, spans in zip(TEXTS, capitals(TEXTS[:done]), strict=False)
        ]
        assert len("".join(finished).encode()) <= cut
    assert said[-1] == f"{out} holds {len(TEXTS)} finished documents of {source}; going on after them"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "content",
    [
        "my thesis",
        "my thesis\n",
        "my thesis\n\nits second part\n\n",
        '{"text": "Angela Merkel ging.", "language": "de", "spans": []}\n',
        "Angela\tO\nMerkel\tO\nging\tO\n.\tO\n\n",
    ],
)
def test_other_files_are_left_alone(source: Path, tmp_path: Path, name: str, content: str) -> None:
    out = tmp_path / "out"
    out.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="holds something else than these documents; name a new file"):
        Target(out, FORMATS[name], "de").tag(source, capitals, report=quiet, say=print)
    assert out.read_text(encoding="utf-8") == content


def test_output_of_another_language_or_of_more_documents_is_not_gone_on_with(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Target(out, FORMATS["jsonl"], "de").tag(source, capitals, report=quiet, say=print)
    whole = out.read_bytes()
    source.write_text(TEXTS[0], encoding="utf-8")
    for language in ("en", "de"):
        with pytest.raises(DataError, match="holds something else"):
            Target(out, FORMATS["jsonl"], language).tag(source, capitals, report=quiet, say=print)
    assert out.read_bytes() == whole


class Killed(Exception):
    """Ends a run as a signal would."""


def cut_off(target: Target, source: Path) -> bytes:
    """What a run leaves that is cut off after its first documents."""

    def dying(texts: Iterable[str]) -> Iterator[list[Span]]:
        yield from islice(capitals(texts), 3)
        raise Killed

    with pytest.raises(Killed):
        target.tag(source, dying, report=quiet, say=print)
    return target.path.read_bytes()


@pytest.fixture
def begun(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """An unfinished file."""
    monkeypatch.setattr(bulk, "BLOCK", 1)
    target = Target(tmp_path / "out", FORMATS["jsonl"], "de", {"recipe": "int8", "teacher": "multi"})
    assert cut_off(target, source).count(b"\n") == 3
    return target


def test_a_file_says_how_it_is_tagged(begun: Target, source: Path) -> None:
    note = begun.path.with_name("out.settings.json")
    assert json.loads(note.read_text(encoding="utf-8")) == begun.settings
    assert begun.tag(source, capitals, report=quiet, say=print) == len(TEXTS)
    assert json.loads(note.read_text(encoding="utf-8")) == begun.settings
    assert sorted(begun.path.parent.iterdir()) == sorted([begun.path, note, source])


def test_a_file_is_not_gone_on_with_by_other_settings(begun: Target, source: Path) -> None:
    left = begun.path.read_bytes()
    other = replace(begun, settings={**begun.settings, "recipe": "layers:3"})
    with pytest.raises(DataError, match=r"out was tagged with recipe int8 \(not layers:3\); go on with that"):
        other.tag(source, capitals, report=quiet, say=print)
    assert begun.path.read_bytes() == left
    assert begun.tag(source, capitals, report=quiet, say=print) == len(TEXTS)
    with source.open("a", encoding="utf-8") as file:
        file.write("Anna kam.\n")
    with pytest.raises(DataError, match=r"out was tagged with recipe int8 \(not layers:3\)"):
        other.tag(source, capitals, report=quiet, say=print)
    assert begun.tag(source, capitals, report=quiet, say=print) == len(TEXTS) + 1


def test_what_is_left_of_a_file_that_was_deleted_or_is_older_hinders_nobody(begun: Target, source: Path) -> None:
    other = replace(begun, settings={"recipe": "layers:3"})
    begun.path.unlink()
    cut_off(other, source)
    begun.path.with_name("out.settings.json").unlink()
    assert begun.tag(source, capitals, report=quiet, say=print) == len(TEXTS)


def test_a_note_that_says_nothing_is_named(begun: Target, source: Path) -> None:
    left = begun.path.read_bytes()
    begun.path.with_name("out.settings.json").write_text("[1", encoding="utf-8")
    with pytest.raises(DataError, match=r"out\.settings\.json does not say how .*out was tagged"):
        begun.tag(source, capitals, report=quiet, say=print)
    assert begun.path.read_bytes() == left


def test_a_file_that_cannot_be_written_to(source: Path, tmp_path: Path) -> None:
    target = Target(tmp_path / "out", FORMATS["jsonl"], "de")
    with (tmp_path / "out").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another process is writing to"):
            target.tag(source, capitals, report=quiet, say=print)
    for device in ("/dev/full", "/dev/null", tmp_path):
        with pytest.raises(DataError, match="is no file that can be gone on with; name one, or leave --out away"):
            Target(Path(device), FORMATS["jsonl"], "de").tag(source, capitals, report=quiet, say=print)
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        Target(tmp_path / "no" / "out", FORMATS["jsonl"], "de").tag(source, capitals, report=quiet, say=print)
    with pytest.raises(DataError, match="no such file"):
        target.tag(tmp_path / "nothing", capitals, report=quiet, say=print)


def test_progress_is_that_of_the_bytes_written(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BLOCK", 1)
    seen: list[tuple[float, str]] = []
    target = Target(tmp_path / "out", FORMATS["jsonl"], "de")
    target.tag(source, capitals, report=lambda fraction, desc: seen.append((fraction, desc)), say=print)
    ends = [document.end for document in documents(source.open("rb"), "x")]
    assert [fraction for fraction, _ in seen] == [end / source.stat().st_size for end in ends]
    assert seen[-1] == (1.0, "6 documents")


@pytest.fixture
def teacher(made: Made, tiny_teacher: Callable[[str], Path]) -> str:
    """A teacher whose export stands in the cache."""
    made("bert")
    return str(tiny_teacher("bert"))


MANY = [f"Angela Merkel besuchte {'am Montag ' * (number % 7)}Siemens in München." for number in range(30)]


def test_processes_share_the_work_in_order(teacher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "POOL_TEXTS", 4)
    alone = build.tagger(parse("onnx"), teacher=teacher).tag_texts(MANY, "de")
    together = list(bulk.Workers("onnx", teacher, "de", 2).tag(iter(MANY)))
    assert [[(s.start, s.end, s.label) for s in found] for found in together] == [
        [(s.start, s.end, s.label) for s in found] for found in alone
    ]
    assert any(alone), "a random teacher that finds nothing proves nothing"


def test_an_error_of_a_worker_arrives(teacher: str) -> None:
    with pytest.raises(DataError, match="unknown language 'xx'"):
        list(bulk.Workers("onnx", teacher, "xx", 1).tag(MANY))


def command(teacher: str, source: Path, out: Path, workers: int) -> list[str]:
    options = ["--teacher", teacher, "--language", "de", "--file", str(source), "--out", str(out)]
    return [sys.executable, "-m", "mma_core", "tag", "onnx", *options, "--workers", str(workers)]


@pytest.mark.parametrize("workers", [1, 2])
def test_after_kill_9_nothing_is_lost_and_nobody_is_left(teacher: str, tmp_path: Path, workers: int) -> None:
    source, out = tmp_path / "texts.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"{text}\n" for text in MANY * 400), encoding="utf-8")
    process = subprocess.Popen(command(teacher, source, out, workers), stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()  # the first progress: something is written
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = out.read_bytes()
    assert 0 < left.count(b"\n") < len(MANY) * 400
    note = json.loads((tmp_path / "out.jsonl.settings.json").read_text(encoding="utf-8"))
    weights = sources.locate(teacher).sha256[:12]
    assert note == {"recipe": "onnx", "teacher": teacher, "weights": weights, "language": "de", "format": "jsonl"}
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    done = subprocess.run(command(teacher, source, out, workers), capture_output=True, text=True, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.settings.json", "texts.txt"]
    finished = left.count(b"\n")
    assert f"holds {finished:,} finished documents" in done.stderr
    assert done.stdout == f"{len(MANY) * 400} documents are in {out}\n"
    whole = out.read_bytes()
    assert whole.startswith(left[: left.rindex(b"\n") + 1])
    assert [json.loads(line)["text"] for line in whole.split(b"\n")[:-1]] == MANY * 400
