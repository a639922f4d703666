"""A local Ray cluster of two nodes with caches of their own: the same entities and rows as here, and plain errors."""

import asyncio
import errno
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from operator import length_hint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rows
from builds import Made, quiet

from mma_core import (
    artifact,
    build,
    bulk,
    cluster,
    cluster_tagging,
    engines,
    machine,
    orders,
    results,
    runtime,
    sources,
)
from mma_core.artifact import Artifact
from mma_core.cluster import ClusterError
from mma_core.cluster_tagging import Machines
from mma_core.data import Corpus
from mma_core.errors import ArtifactError, DataError, RecipeError
from mma_core.measure import bench, cluster_sweep
from mma_core.measure.fresh import Fresh
from mma_core.measure.journal import Journal
from mma_core.measure.plan import Plan, Unit
from mma_core.measure.sweep import here, sweep
from mma_core.recipe import parse
from mma_core.results import Measurement

pytest_plugins = ("engine_fixtures",)
pytestmark = [
    pytest.mark.timeout(1200),  # a busy machine takes minutes to start nodes
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Ray warns of its own settings
]

STARTS = 5
MANY = [f"Angela Merkel besuchte {'am Montag ' * (number % 7)}Siemens in München." for number in range(60)]
NAME = ("Angela", "Merkel")


def add_node(nodes: Any, cache: Path) -> Any:
    """Start a node; anew if its helpers took more than the 15 seconds that Ray has for them on a busy machine."""
    start = partial(
        nodes.add_node,
        num_cpus=1,
        object_store_memory=80 << 20,
        env_vars={"MMA_CACHE": str(cache), "RAY_worker_niceness": "0"},  # else other tests keep them from starting
        include_dashboard=False,
        include_log_monitor=False,
        no_monitor=True,
    )
    for _ in range(STARTS - 1):
        with suppress(Exception):
            return start()
    return start()


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The cache of each node."""
    return [tmp_path_factory.mktemp("node") for _ in range(2)]


@pytest.fixture(scope="module")
def nodes(caches: list[Path], own_cache: Path) -> Iterator[Any]:
    """A cluster of two nodes with a processor each."""
    pytest.importorskip("ray", reason="requirements-ray.txt is not installed")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster()
        for cache in caches:
            add_node(made, cache)
        yield made
        made.shutdown()


@pytest.fixture
def teacher(made: Made, tiny_teacher: Callable[[str], Path]) -> str:
    """A teacher whose export stands in the cache."""
    made("bert")
    return str(tiny_teacher("bert"))


def machines(address: str, teacher: str = "multi", language: str = "de") -> Machines:
    return Machines(address=address, recipe="onnx", teacher=teacher, language=language)


def borders(found: Any) -> list[list[tuple[int, int, str]]]:
    return [[(span.start, span.end, span.label) for span in spans] for spans in found]


def test_machines_share_the_work_in_order(
    nodes: Any, caches: list[Path], teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.data import DataContext

    monkeypatch.setattr(DataContext.get_current(), "wait_for_min_actors_s", 600)  # else the first may tag all
    monkeypatch.setattr(runtime, "POOL_TEXTS", 4)
    monkeypatch.setattr(cluster_tagging, "LEG", 5)
    made = build.build(parse("onnx"), teacher=teacher)
    alone = build.open_artifact(made, 1).tag_texts(MANY, "de")
    assert any(alone), "a random teacher that finds nothing proves nothing"
    read = iter(MANY)
    together = machines(nodes.address, teacher).tag(read)
    found = [next(together)]
    assert length_hint(read) >= len(MANY) - 4 * (2 * cluster_tagging.AHEAD + 2), "texts are read as they are needed"
    found += together
    assert borders(found) == borders(alone)
    for cache in caches:
        received = cache / "artifacts" / made.folder.name
        assert {path.name for path in received.iterdir()} == {path.name for path in made.folder.iterdir()}
        assert artifact.open_folder(received).manifest == made.manifest


def test_an_error_of_a_machine_arrives(nodes: Any, teacher: str) -> None:
    with pytest.raises(DataError, match=r"^unknown language 'xx'; known: .*zu$"):
        list(machines(nodes.address, teacher, "xx").tag(MANY))


def test_an_error_in_the_texts_arrives(nodes: Any, teacher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "POOL_TEXTS", 4)
    lines = [*(f"{text}\n".encode() for text in MANY), b"Caf\xe9\n"]
    texts = (document.text for document in bulk.documents(lines, "x"))
    with pytest.raises(DataError, match=f"x is not UTF-8 in line {len(MANY) + 1}"):
        list(machines(nodes.address, teacher).tag(texts))


def test_after_kill_9_the_command_goes_on(nodes: Any, teacher: str, tmp_path: Path) -> None:
    source, out, alone = tmp_path / "texts.txt", tmp_path / "out.jsonl", tmp_path / "alone.jsonl"
    source.write_text("".join(f"{text}\n" for text in MANY * 200), encoding="utf-8")
    tag = [sys.executable, "-m", "mma_core", "tag", "onnx", "--teacher", teacher, "--language", "de"]
    tag += ["--json", "--file", str(source), "--out"]
    process = subprocess.Popen([*tag, str(out), "--ray", nodes.address], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "documents" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = out.read_bytes().count(b"\n")
    assert 0 < left < len(MANY) * 200
    done = subprocess.run([*tag, str(out), "--ray", nodes.address], capture_output=True, text=True, check=True)
    assert f"holds {left:,} finished documents" in done.stderr
    assert json.loads(done.stdout) == {"documents": len(MANY) * 200, "out": str(out)}
    subprocess.run([*tag, str(alone)], capture_output=True, check=True)
    assert out.read_bytes() == alone.read_bytes()


def labelled(folder: Path, count: int, tags: Sequence[str] = ("B-PER", "I-PER")) -> Corpus:
    """A corpus of `count` sentences that are tagged so, and one without entities."""
    path = folder / f"{count}.conll"
    rows = "".join(f"{word}\t{tag}\n" for word, tag in zip(NAME, tags, strict=True))
    path.write_text(f"{rows}\n" * count + "Siemens\tO\n", encoding="utf-8")
    return Corpus(f"own{count}", "de", "test", path)


def untimed(row: Measurement) -> dict[str, Any]:
    """What does not depend on the moment: all but times, memory and energy."""
    timed = {"words_per_s", "sentences_per_s", "model_share", "latency_ms_p50", "latency_ms_p95", "cold_start_s"}
    timed |= {"peak_rss_mb", "energy_j_per_1k_words", "energy_source"}
    timed |= {"speedup", "speedup_low", "speedup_high", "rounds"}
    return {name: value for name, value in asdict(row).items() if name not in timed}


def test_a_sweep_makes_the_same_table(
    nodes: Any, caches: list[Path], teacher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(recipes=(parse("onnx"),), teacher=teacher, command="again")
    (right,) = build.tagger(parse("onnx"), teacher=teacher).tag([NAME])
    corpora = [labelled(tmp_path, count, right.tags) for count in (1, 2)]
    alone, together = tmp_path / "alone.jsonl", tmp_path / "together.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "fresh", lambda *_arguments, **_settings: Fresh(1.0, 1.0))
        assert sweep(plan, corpora, alone, crew=here(plan), report=quiet) == 2
    results.append(together, results.read(alone)[:1])
    made = orders.folder_of(orders.Order(parse("onnx"), teacher))
    for cache in caches:  # lest a node builds it
        shutil.copytree(made, cache / "artifacts" / made.name, dirs_exist_ok=True)
    seen: list[tuple[int, int]] = []
    real = cluster_sweep._one_a_machine
    monkeypatch.setattr(
        cluster_sweep, "_one_a_machine", lambda found: seen.append((len(found), len(real(found)))) or real(found)
    )
    # A hundred megabytes on their way take minutes, and neither teacher nor artifact here is one of them.
    sent = cluster._sent(assets=False)
    monkeypatch.setattr(cluster, "_sent", lambda *, assets: sent if assets else pytest.fail("no assets"))
    said: list[str] = []
    crew = cluster_sweep.machines(nodes.address, plan)
    assert sweep(plan, corpora, together, crew=crew, report=lambda _fraction, desc: said.append(desc)) == 1
    assert said == ["de, own2"], "what is in the table is not measured again"
    assert seen == [(2, 1)], "two nodes of one machine would disturb each other"
    assert sum((cache / "teachers").is_dir() for cache in caches) == 1
    found = results.read(together)
    assert [untimed(row) for row in found] == [untimed(row) for row in results.read(alone)]
    assert all(row.f1 > 0 and row.cold_start_s > 0 and row.speedup > 0 for row in found)


def test_a_lost_machine_is_said_and_the_others_can_go_on(
    nodes: Any, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "POOL_TEXTS", 2)
    alone = build.tagger(parse("onnx"), teacher=teacher, threads=1).tag_texts(MANY, "de")
    together = machines(nodes.address, teacher).tag(MANY)
    found = [next(together)]
    (lost,) = nodes.worker_nodes
    nodes.remove_node(lost, allow_graceful=False)
    with pytest.raises(ClusterError, match="a machine was lost; start again, and --out FILE goes on"):
        found += together
    for _ in range(STARTS):  # a cluster that has not noticed the loss yet gives work to the lost machine once more
        with suppress(ClusterError):
            found += machines(nodes.address, teacher).tag(MANY[len(found) :])
    assert borders(found) == borders(alone)


def node(name: str, processors: int, machine: str) -> cluster_sweep._Node:
    return cluster_sweep._Node(name, processors, machine, "cpu", 2)


def test_of_each_machine_the_largest_node_measures() -> None:
    nodes = [node("a", 2, "x"), node("b", 8, "x"), node("c", 4, "x"), node("d", 1, "y")]
    assert {one.name for one in cluster_sweep._one_a_machine(nodes)} == {"b", "d"}


def test_what_trains_is_not_trained_for_a_sweep(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_sweep, "set_up", lambda *_arguments, **_settings: pytest.fail("it was set up"))
    monkeypatch.setattr(cluster_sweep.platform, "node", lambda: "node7")
    source = sources.locate(str(tiny_teacher("bert")))
    plan = Plan(recipes=(parse("onnx"), parse("layers:1+int8")), teacher=source.name)
    there = cluster_sweep._Measuring(plan, cluster_sweep._Teacher(source, {}))
    with pytest.raises(RecipeError, match=r"^machine node7 .* no trained layers:1\+int8; .* build layers:1\+int8 --"):
        there.rows(Unit(labelled(tmp_path, 1), plan.recipes), [])


def test_what_was_trained_there_is_measured(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sources.locate(str(tiny_teacher("bert")))
    monkeypatch.setattr(build, "cached", lambda _recipe, teacher: teacher == source.name or None)
    journal = Journal(tmp_path / "journal.jsonl")
    stand = SimpleNamespace(
        journal=lambda _corpus, _sentences, recipes: journal if recipes == ["layers:1+int8"] else None,
        rows=lambda _corpus, _sentences, recipes, kept, **_settings: kept.once("rows", lambda: recipes),
    )
    monkeypatch.setattr(cluster_sweep, "set_up", lambda *_arguments, **_settings: stand)
    plan = Plan(recipes=(parse("layers:1+int8"),), teacher=source.name)
    there = cluster_sweep._Measuring(plan, cluster_sweep._Teacher(source, {}))
    assert there.rows(Unit(labelled(tmp_path, 1), plan.recipes), []) == ["layers:1+int8"]
    assert "rows" in Journal(tmp_path / "journal.jsonl"), "it stays until the rows have arrived"
    there.forget()
    assert "rows" not in Journal(tmp_path / "journal.jsonl")


FORGET = "forget"


class Actor:
    """Measures nothing: it answers at once, in the place of a machine; a lost one never does."""

    def __init__(self, asked: list[str], *, lost: bool = False, begun: Sequence[str] = ()) -> None:
        self.lost, self.asked = lost, asked
        self.rows = SimpleNamespace(remote=self.remote)
        self.forget = SimpleNamespace(remote=lambda: self.remote(None, None))
        self.begun = SimpleNamespace(remote=lambda: (SimpleNamespace(lost=False), begun))

    def remote(self, unit: Unit | None, _sentences: Any) -> tuple["Actor", str]:
        self.asked.append(unit.corpus.source if unit else FORGET)
        return self, self.asked[-1]


def sweep_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, actors: list[Actor]) -> list[Measurement]:
    """The rows of three corpora from such machines."""
    ray = pytest.importorskip("ray")

    def get(answer: tuple[Actor, Any]) -> Any:
        if answer[0].lost:
            raise ray.exceptions.RayActorError
        if not isinstance(answer[1], str):
            return answer[1]
        return [rows.row("onnx", dataset=answer[1], teacher="a folder there")]

    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr(ray, "wait", lambda running, num_returns: (running[:num_returns], running[num_returns:]))
    monkeypatch.setattr(cluster_sweep, "_actors", lambda _plan, _nodes: list(actors))
    plan = Plan(recipes=(parse("onnx"),), teacher="a folder here")
    units = [Unit(labelled(tmp_path, count), plan.recipes) for count in (1, 2, 3)]
    found = cluster_sweep._rows(plan, [], units, quiet)
    return [row for unit in found for row in unit]


def test_the_corpus_of_a_lost_machine_is_measured_by_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []
    found = sweep_rows(monkeypatch, tmp_path, [Actor(asked), Actor(asked, lost=True)])
    assert sorted(row.dataset for row in found) == ["own1", "own2", "own3"]
    assert {row.teacher for row in found} == {"a folder here"}
    assert len([source for source in asked if source != FORGET]) == 4
    assert asked.count(FORGET) == 3


def test_each_machine_goes_on_with_what_it_was_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours: list[str] = []
    theirs: list[str] = []
    actors = [Actor(ours, begun=["de-own3-", "de-gone-"]), Actor(theirs, begun=["de-own2-"])]
    sweep_rows(monkeypatch, tmp_path, actors)
    assert (ours[0], theirs[0]) == ("own3", "own2")
    assert {*ours, *theirs} == {"own1", "own2", "own3", FORGET}


def test_what_a_machine_was_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMA_CACHE", str(tmp_path))
    corpus = Corpus("my-own", "de", "test", tmp_path)
    Journal(bench.journals() / f"{bench.journal_of(corpus)}0123.jsonl").once("a", lambda: 1)
    there = cluster_sweep._Measuring(Plan(recipes=()), cluster_sweep._Teacher(sources.locate("multi"), {}))
    assert there.begun() == [bench.journal_of(corpus)]


def test_where_all_machines_are_lost_the_sweep_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="actor"):
        sweep_rows(monkeypatch, tmp_path, [Actor([], lost=True), Actor([], lost=True)])


def test_what_is_sent_is_code_and_maybe_assets() -> None:
    pathspec = pytest.importorskip("pathspec")  # as Ray reads it
    for assets in (False, True):
        left_out = pathspec.PathSpec.from_lines("gitwildmatch", cluster._sent(assets=assets)["excludes"])
        sent = [".", "mma_core/steps/base.py", *(["assets/multi/pack.json"] if assets else [])]
        assert not any(map(left_out.match_file, sent))
        others = (".git/config", ".venv/x", "tests/mma_core/x.py", "data/x", "mma_core/steps/__pycache__/base.pyc")
        assert all(map(left_out.match_file, others))
        assert left_out.match_file("assets/multi/pack.json") is not assets


def test_where_there_is_nothing_to_tag_no_cluster_is_needed() -> None:
    assert list(machines("nowhere:1").tag([])) == []


@pytest.mark.parametrize("address", ["", "head", "ray://head:10001", "head:port", ":6379", "local"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ClusterError, match="neither auto nor HOST:PORT of a cluster's head"):
        list(machines(address).tag(MANY))


def test_an_address_where_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(ClusterError, match=f"--ray 127.0.0.1:{port}: no cluster answers .*ray start --head"):
            list(machines(f"127.0.0.1:{port}").tag(MANY))
    for port in (0, 99999):
        with pytest.raises(ClusterError, match="no cluster answers"):
            list(machines(f"127.0.0.1:{port}").tag(MANY))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"pip install -r (requirements-ray\.txt)") as caught:
        list(machines("auto").tag(MANY))
    assert (repository / str(caught.value).rsplit(maxsplit=1)[-1]).exists()


def test_what_ray_says_of_a_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")

    def refuse(**_settings: Any) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 1.0\n")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(ClusterError, match=r"^--ray auto: Version mismatch: The cluster was started with: Ray: 1\.0$"):
        list(machines("auto").tag(MANY))


def test_a_machine_that_lacks_a_library_is_no_failure_of_ours() -> None:
    met = SimpleNamespace(cause=ModuleNotFoundError("No module named 'openvino'", name="openvino"))
    assert str(cluster._ours(met)) == "a machine of the cluster lacks openvino: pip install -r requirements.txt there"


def test_a_full_disk_of_a_machine_is_told_in_one_line() -> None:
    met = SimpleNamespace(cause=OSError(errno.ENOSPC, "No space left on device", "/there/model.onnx"))
    told = cluster._ours(met)
    assert isinstance(told, ClusterError)
    assert str(told).startswith("a machine of the cluster: /there/model.onnx: No space left on device; make room")


def test_a_shelf_keeps_what_has_not_been_tagged() -> None:
    async def use() -> None:
        shelf = cluster_tagging._Shelf(2)
        asked = asyncio.create_task(shelf.has(1))
        await shelf.put(["a"])
        assert not asked.done()
        await shelf.put(["b"])
        assert await asked
        assert [await shelf.chunk(number) for number in range(2)] == [["a"], ["b"]]
        await shelf.put(["c"])
        assert [await shelf.chunk(number) for number in range(3)] == [[], ["b"], ["c"]]
        asked = asyncio.create_task(shelf.has(3))
        await shelf.put(None)
        assert not await asked
        assert [await shelf.has(number) for number in range(4)] == [True, True, True, False]

    asyncio.run(use())


@pytest.fixture
def parcel(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cluster_tagging.Parcel:
    """An artifact on its way to this machine, whose cache is empty."""
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "put", lambda content: content)
    monkeypatch.setattr(ray, "get", lambda content: content)
    packed = cluster_tagging._packed(made("bert"))
    monkeypatch.setenv("MMA_CACHE", str(tmp_path))
    return packed


def test_an_artifact_is_received_once(parcel: cluster_tagging.Parcel, tmp_path: Path) -> None:
    sent, files = parcel
    received = cluster_tagging._received(parcel)
    assert received.folder == tmp_path / "artifacts" / sent.folder.name
    assert received.manifest == sent.manifest
    files.clear()
    assert cluster_tagging._received(parcel) == received
    (received.folder / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError):
        cluster_tagging._received(parcel)


def test_an_artifact_of_another_build_gives_way(parcel: cluster_tagging.Parcel) -> None:
    received = cluster_tagging._received(parcel)
    manifest = {**received.manifest, "created": "earlier"}
    (received.folder / "recipe.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert cluster_tagging._received(parcel).manifest == parcel[0].manifest


def test_a_damaged_parcel_is_refused(parcel: cluster_tagging.Parcel) -> None:
    parcel[1]["model.onnx"][100] ^= 1
    with pytest.raises(ArtifactError, match=r"model\.onnx is missing or damaged"):
        cluster_tagging._received(parcel)


@pytest.mark.parametrize(("recipe", "reduced"), [("int8", False), ("int8", True), ("onnx", False)])
def test_eight_bits_are_not_run_where_they_overflow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recipe: str, *, reduced: bool
) -> None:
    monkeypatch.setattr(machine, "has_vnni", lambda: False)
    made = Artifact(tmp_path, {"recipe": recipe, "reduced_range": reduced})
    if recipe == "int8" and not reduced:
        with pytest.raises(RecipeError, match="has no VNNI, and int8 was built on one that has"):
            cluster_tagging._check(made)
    else:
        cluster_tagging._check(made)


def test_a_machine_that_cannot_run_a_recipe_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engines, "has_bf16", lambda: False)
    with pytest.raises(RecipeError, match=r"^machine .* of the cluster: step bf16"):
        cluster_tagging._check(Artifact(tmp_path, {"recipe": "bf16", "reduced_range": False}))
