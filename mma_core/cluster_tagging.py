"""Tag across the machines of a Ray cluster: in order, a few chunks of text ahead.

Ray Data plans over inputs that are known beforehand, and reads one again if the machine that held it was lost; texts
that stream by have no known end and can be read once. So they stand on a shelf, in chunks, until their entities are
back, and what Ray Data carries is the number of a chunk on its way in and its entities on their way out. It puts
these in order, and starts its actors as the cluster has room for them. Of each chunk it remembers some 10 kB as long
as a plan runs, so plans end after many chunks, and nothing grows. A lost machine ends the run, with an error; what was
written stays, and the next run goes on after it.
"""

import asyncio
import json
import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import chain, count, islice, takewhile
from typing import TYPE_CHECKING

import numpy as np

from . import artifact, build, cluster, runtime, shelf
from .artifact import Artifact
from .errors import ArtifactError, RecipeError
from .folders import cache_root
from .progress import Report, quiet
from .recipe import parse
from .spans import Span

if TYPE_CHECKING:
    from ray.actor import ActorHandle
    from ray.data import Dataset

# Chunks for each processor: on their way at a time, and until Ray Data has to forget what it knows of them.
AHEAD, LEG = 2, 500
LOST = "start again, and --out FILE goes on"

Batch = dict[str, np.ndarray]
Parcel = tuple[Artifact, cluster.Files]


@dataclass(frozen=True, kw_only=True)
class Machines:
    """The machines of a Ray cluster, which share the work; an actor on each processor opens the artifact once.

    They need this project's requirements and the same versions of Python and Ray; code and artifact come from here.
    Ray's machines run each other's code, so the cluster must be the user's own.

    Attributes:
        address: host:port of the cluster's head, or `auto`; this machine must be one of the cluster's.
        recipe: canonical spelling.
        teacher: the recipe's teacher.
        language: of the texts.
        report: progress of the build, if the artifact has to be built first.
    """

    address: str
    recipe: str
    teacher: str
    language: str
    report: Report = quiet

    def tag(self, texts: Iterable[str]) -> Iterator[list[Span]]:
        """Tag a stream of texts in order; a few chunks for each processor are on their way at a time.

        Raises:
            ClusterError: Ray is not installed, or its cluster cannot be used.
            MMAError: as `build.build`; or a machine cannot run the artifact.
        """
        chunks = runtime.pools(texts, len)
        first = next(chunks, None)
        if first is None:
            return
        with cluster.connected(self.address, LOST) as processors:
            made = build.build(parse(self.recipe), teacher=self.teacher, report=self.report)
            parcel = _packed(made)
            for begin in chain([first], chunks):
                leg = chain([begin], islice(chunks, LEG * processors - 1))
                yield from _tagged(leg, parcel, self.language, processors)


def _packed(made: Artifact) -> Parcel:
    """An artifact with its files in Ray's store of objects, from which each machine takes them once."""
    return made, cluster.packed(made.folder.iterdir())


def _tagged(chunks: Iterable[list[str]], parcel: Parcel, language: str, processors: int) -> Iterator[list[Span]]:
    """Put chunks on a shelf, so many at a time, and take their entities from the stream."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    room, coming = AHEAD * processors, chain(chunks, [None])
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    shelf = ray.remote(num_cpus=0, scheduling_strategy=here)(_Shelf).remote(room)

    def shelve(places: int) -> None:
        for chunk in islice(coming, places):
            ray.get(shelf.put.remote(chunk))

    shelve(room)
    stream = _stream(shelf, parcel, language, processors)
    for batch in stream.iter_batches(batch_size=None, prefetch_batches=0):
        for found in batch["entities"]:
            shelve(1)
            yield from ([Span(*cells) for cells in spans] for spans in json.loads(found))


def _stream(shelf: "ActorHandle", parcel: Parcel, language: str, processors: int) -> "Dataset":
    """The entities of each chunk that is put on the shelf, one row a chunk, in order."""
    import ray

    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.target_max_block_size = 1  # byte: a row does not wait for others to be sent on with
    context.execution_no_progress_timeout_s = -1  # whoever reads the entities may pause
    context.raise_original_map_exception = True
    context.enable_progress_bars = False
    with ray.data.DataContext.current(context):
        numbers = ray.data.from_items([0]).map_batches(_numbers, fn_args=(shelf,), batch_size=None, num_cpus=0)
        return numbers.map_batches(
            _Tagging,
            fn_constructor_args=(shelf, parcel, language),
            batch_size=None,
            num_cpus=1,
            max_restarts=0,  # an actor that waits for a processor which is gone would hold its chunks for ever
            compute=ray.data.ActorPoolStrategy(size=processors, max_tasks_in_flight_per_actor=AHEAD),
        )


class _Shelf:
    """The chunks that are on their way, by number."""

    def __init__(self, room: int) -> None:
        self._room, self._count, self._complete = room, 0, False
        self._chunks: dict[int, list[str]] = {}
        self._changed = asyncio.Condition()

    async def put(self, chunk: list[str] | None) -> None:
        """Add the next chunk, or None after the last; the one `room` before it has been tagged."""
        async with self._changed:
            if chunk is None:
                self._complete = True
            else:
                self._chunks[self._count] = chunk
                self._chunks.pop(self._count - self._room, None)
                self._count += 1
            self._changed.notify_all()

    async def has(self, number: int) -> bool:
        """Whether there is a chunk of that number, as soon as this is known."""
        async with self._changed:
            await self._changed.wait_for(lambda: number < self._count or self._complete)
        return number < self._count

    async def chunk(self, number: int) -> list[str]:
        """A chunk; nothing of one that has been tagged."""
        return self._chunks.get(number, [])


def _numbers(_start: Batch, shelf: "ActorHandle") -> Iterator[Batch]:
    """The number of each chunk, as it comes; the same ones again if the machine that counts is lost."""
    import ray

    for number in takewhile(lambda number: ray.get(shelf.has.remote(number)), count()):
        yield {"chunk": np.array([number])}


class _Tagging:
    """Tags chunks on one machine, on the processors that Ray reserved for it."""

    def __init__(self, shelf: "ActorHandle", parcel: Parcel, language: str) -> None:
        self._shelf, self._parcel, self._language = shelf, parcel, language

    def __call__(self, batch: Batch) -> Batch:
        return {"entities": np.array([self._entities(number) for number in batch["chunk"].tolist()])}

    def _entities(self, number: int) -> str:
        import ray

        found = self._tagger.tag_texts(ray.get(self._shelf.chunk.remote(number)), self._language)
        return json.dumps([[astuple(span) for span in spans] for spans in found])

    # Opened with the first chunk: an error in a constructor would come back without its cause.
    @cached_property
    def _tagger(self) -> runtime.Tagger:
        import ray

        threads = int(ray.get_runtime_context().get_assigned_resources()["CPU"])
        return build.open_artifact(_received(self._parcel), threads)


def _received(parcel: Parcel) -> Artifact:
    """An artifact of another machine in this one's cache, written there if need be.

    Raises:
        RecipeError: this machine cannot run it.
        ArtifactError: what arrived is not what was sent.
    """
    made, files = parcel
    _check(made)
    folder = cache_root() / "artifacts" / made.folder.name

    def is_there() -> bool:
        with suppress(ArtifactError):
            return artifact.open_folder(folder).manifest == made.manifest
        return False

    cluster.unpack(files, folder, is_there)
    return artifact.open_folder(folder)


def _check(made: Artifact) -> None:
    recipe = parse(made.manifest["recipe"])
    try:
        for step in recipe.steps:
            step.check()
    except RecipeError as error:
        raise RecipeError(f"machine {platform.node()} of the cluster: {error}") from error
    if not shelf.exact_here(recipe, made.manifest):
        raise RecipeError(
            f"machine {platform.node()} of the cluster has no VNNI, and {recipe} was built on one that has: its 8-bit "
            "sums could overflow there; start the command on that machine, or take another recipe"
        )
