"""A sweep on the machines of a Ray cluster: each measures one corpus after another, alone on all its processors.

Every machine builds what it measures, for the 8-bit builds and their guard depend on the processor: a row says what
`sweep` would have said there. What trains must have been built there before: here, no machine trains anything. Code,
built-in teachers and samples are sent to it, any other teacher as its files.
"""

import platform
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import build, builtin, cluster, machine, sources
from ..data import Sentence
from ..errors import ArtifactError, RecipeError
from ..folders import cache_root
from ..progress import Report
from ..recipe import Recipe
from ..results import Measurement
from .bench import Stand, cpu, drawn, journal_of, journals, set_up
from .journal import Journal
from .plan import Crew, Place, Plan, Unit

if TYPE_CHECKING:
    from ray.actor import ActorHandle

BOOT = Path("/proc/sys/kernel/random/boot_id")
_Work = tuple[Unit, list[Sentence]]
LOST = "start again: what is in the table is not measured anew"


@dataclass(frozen=True)
class _Node:
    """A node of the cluster: its processors as Ray counts them, and the machine that it runs on."""

    name: str
    processors: float
    machine: str
    cpu: str
    threads: int


@dataclass(frozen=True)
class _Teacher:
    """A teacher on its way: a built-in one by its name, any other one as files."""

    source: sources.Source
    files: cluster.Files

    def name(self) -> str:
        """What it is called on this machine, which has it from now on."""
        if not self.files:
            return self.source.name
        folder = cache_root() / "teachers" / self.source.sha256

        def is_there() -> bool:
            with suppress(ArtifactError):
                return sources.locate(str(folder)).sha256 == self.source.sha256
            return False

        cluster.unpack(self.files, folder, is_there)
        return str(folder)


@contextmanager
def machines(address: str, plan: Plan) -> Iterator[Crew]:
    """The machines of a cluster, within the block.

    Nodes that share a machine would disturb each other, so only one of them measures. It waits until all processors of
    its node are free. Where a machine is lost, the others measure its corpus.

    Args:
        address: host:port of the cluster's head, or `auto`; this machine must be one of the cluster's.
        plan: what to measure.

    Raises:
        ClusterError: Ray is not installed, its cluster cannot be used, or all its machines were lost.
        MMAError: what a machine met, as `bench.bench`.
    """
    with cluster.connected(address, LOST, assets=True):
        nodes = _one_a_machine(_nodes())
        places = {Place(node.cpu, plan.threads or node.threads) for node in nodes}
        yield Crew(frozenset(places), partial(_rows, plan, nodes))


def _nodes() -> list[_Node]:
    import ray

    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    asked = [ray.remote(_machine).options(num_cpus=0, **_on(node["NodeID"])).remote() for node in alive]
    return [
        _Node(node["NodeID"], node["Resources"]["CPU"], *answer)
        for node, answer in zip(alive, ray.get(asked), strict=True)
    ]


def _machine() -> tuple[str, str, int]:
    """What tells this machine from others, its processor and threads; containers of one machine have one kernel."""
    return BOOT.read_text() if BOOT.exists() else platform.node(), cpu(), machine.available_threads()


def _on(node: str) -> dict[str, Any]:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}


def _one_a_machine(nodes: Sequence[_Node]) -> list[_Node]:
    """Of the nodes of each machine the one with most processors."""
    return list({node.machine: node for node in sorted(nodes, key=lambda node: node.processors)}.values())


def _rows(plan: Plan, nodes: Sequence[_Node], units: Sequence[Unit], report: Report) -> Iterator[list[Measurement]]:
    import ray

    wanted = {recipe for unit in units for recipe in unit.recipes}
    less = replace(plan, recipes=tuple(recipe for recipe in plan.recipes if recipe in wanted))
    todo = [(unit, drawn(unit.corpus, plan.sentences)) for unit in units]
    idle = _actors(less, nodes[: len(units)])
    begun = {actor: ray.get(actor.begun.remote()) for actor in idle}
    running: dict[Any, tuple[ActorHandle, _Work]] = {}
    while todo or running:
        while todo and idle:
            actor = idle.pop()
            work = _next(todo, begun[actor])
            report(1 - (1 + len(todo) + len(running)) / len(units), _called(work))
            running[actor.rows.remote(*work)] = actor, work
        (finished,), _ = ray.wait(list(running), num_returns=1)
        actor, work = running.pop(finished)
        try:
            rows = ray.get(finished)
        except cluster.lost_errors():
            if not running and not idle:
                raise
            todo.insert(0, work)
            continue
        idle.append(actor)
        yield [replace(row, teacher=plan.teacher) for row in rows]
        _forget(actor)


def _forget(actor: "ActorHandle") -> None:
    import ray

    with suppress(*cluster.lost_errors()):
        ray.get(actor.forget.remote())


def _next(todo: list[_Work], begun: Collection[str]) -> _Work:
    """Take what a machine was at when the sweep was cut off, if that is still to do, else the first that is."""
    work = next((one for one in todo if journal_of(one[0].corpus) in begun), todo[0])
    todo.remove(work)
    return work


def _called(work: _Work) -> str:
    corpus = work[0].corpus
    return f"{corpus.language}, {corpus.source}"


def _actors(plan: Plan, nodes: Sequence[_Node]) -> "list[ActorHandle]":
    """One on each node, on all its processors."""
    import ray

    source = sources.locate(plan.teacher)
    built_in = source.name in builtin.names()
    names = () if built_in else (*sources.FILES, *sources.OPTIONAL)
    files = cluster.packed(source.folder / name for name in names if (source.folder / name).is_file())
    measuring = ray.remote(_Measuring)
    options = [{"num_cpus": node.processors, "max_restarts": 0, **_on(node.name)} for node in nodes]
    return [measuring.options(**one).remote(plan, _Teacher(source, files)) for one in options]


class _Measuring:
    """Measures units on one machine, one at a time."""

    def __init__(self, plan: Plan, teacher: _Teacher) -> None:
        self._plan, self._teacher, self._journal = plan, teacher, Journal()

    def rows(self, unit: Unit, sentences: list[Sentence]) -> list[Measurement]:
        """The rows of one unit; its journal stays until they have arrived."""
        names = list(map(str, unit.recipes))
        self._journal = self._stand.journal(unit.corpus, sentences, names)
        return self._stand.rows(unit.corpus, sentences, names, self._journal, sets=unit.sets)

    def begun(self) -> list[str]:
        """What the names begin with of the journals that are kept here."""
        return [f"{path.name.rpartition('-')[0]}-" for path in journals().glob("*.jsonl")]

    def forget(self) -> None:
        """Close the journal of the last unit, whose rows are in the table."""
        self._journal.close()

    # Set up with the first corpus: an error in a constructor would come back without its cause.
    @cached_property
    def _stand(self) -> Stand:
        plan, teacher = self._plan, self._teacher.name()
        _check_trained(plan.recipes, teacher)
        return set_up(plan.recipes, teacher=teacher, threads=plan.threads, command=plan.command)


def _check_trained(recipes: Sequence[Recipe], teacher: str) -> None:
    """Refuse a recipe that this machine would have to train first, in minutes and on the samples' text.

    Raises:
        RecipeError: there is one.
    """
    for recipe in recipes:
        if recipe.trains and build.cached(recipe, teacher=teacher) is None:
            raise RecipeError(
                f"machine {platform.node()} of the cluster has no trained {recipe}; build it there first: "
                f"python -m mma_core build {recipe} --teacher {teacher} --data DIR --budget standard"
            )
