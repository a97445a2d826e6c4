"""Training some members together: epochs, validation, early stopping, the best epoch's weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..config import Training
from ..data.batches import cools_at, steps_of
from ..errors import UserError
from ..networks.build import batch_statistics, build, initialise
from ..networks.draws import Masks
from ..records.specs import Size
from ..records.training import Curves, Scores
from ..records.typed import as_json, parse
from .checkpoints import State
from .device import allow_unrepeatable, keep_memory
from .flat import Flat
from .optimise import Optimiser, schedule

if TYPE_CHECKING:
    from .classification import Classification

CURVES = tuple(each.name for each in fields(Curves))  # in the order in which they are measured


@dataclass
class Member:
    """One training run and what has become of it: `records.training.SeedRun` in the making."""

    seed: int  # of weights, order, augmentation and dropout
    learning_rate: float  # peak of the schedule
    # `ok`, `diverged`: a loss that is not finite, or `stopped`: its rate could not win any more
    status: str = "ok"
    epochs_run: int = 0  # epochs trained so far
    best_epoch: int = 0  # 1-based, of the lowest validation loss; 0 as long as there is none
    curves: Curves = field(default_factory=Curves)  # loss and accuracy by epoch
    # validation, test: with the weights of the best epoch, at the end
    validation: Scores | None = None
    test: Scores | None = None
    why: str | None = None  # it was stopped

    @property
    def best_loss(self) -> float:
        """Lowest validation loss so far."""
        return min(self.curves.validation_loss, default=math.inf)


def member_of(state: State) -> Member:
    """The member of `as_json(member)`, as a checkpoint holds it."""
    return parse(Member, state, "checkpoint")


@dataclass(frozen=True)
class Setup:
    """What all members of a job have in common."""

    # family, size: what is built
    family: str
    size: Size
    training: Training  # how, the configuration's section
    device: torch.device  # where
    bfloat16: bool  # whether to compute under bfloat16 autocast


@dataclass
class Within:
    """An epoch of which some steps are taken."""

    steps: int
    totals: Tensor  # [2, members]: loss times samples, correct predictions
    noise: Masks

    def state(self) -> State:
        """Where the epoch stands; the order of its batches follows from seed and epoch."""
        drawn, lent = self.noise.mark()
        return {"steps": self.steps, "totals": self.totals.clone(), "drawn": drawn, "lent": lent}

    def load(self, state: State) -> None:
        """Go on from there."""
        self.steps, self.totals = state["steps"], state["totals"]
        self.noise.restore((state["drawn"], state["lent"]))


class Chunk:
    """Members that are trained together. No member's result depends on who else is in the chunk,
    but for rounding."""

    def __init__(
        self,
        setup: Setup,
        task: Classification,
        members: list[Member],
        say: Callable[[str], None] = print,
    ):
        self.setup, self.task, self.members, self.say = setup, task, members, say
        keep_memory()
        self.model = build(setup.family, setup.size, task.meta, len(members), setup.device.type)
        initialise(self.model, [member.seed for member in members])
        self.divisible = not batch_statistics(self.model)
        one = task.smallest_batch(setup.training.batch_size) < 2
        if one and not self.divisible:
            raise UserError(
                f"training.batch_size: {setup.training.batch_size} makes batches of one sample, "
                f"which the batch norm of family {setup.family} cannot normalise by: take 2 or more"
            )
        self.flat = Flat(self.model)
        self.active = list(range(len(members)))
        self.optimiser = self._optimiser()
        self.best = self.flat.snapshot()
        self.epoch = 0
        self.within: Within | None = None  # the epoch that is being trained, none between epochs
        self.pieces = 1  # in which a batch is computed, its gradients added up
        # what each member gave for the test split, [n, K] on the CPU; None where none is kept
        self.outputs: list[Tensor | None] = [None] * len(members)
        self.pause: Callable[[Chunk], None] = lambda chunk: None
        # called after an epoch: it may give members the status `stopped`
        self.stop: Callable[[list[Member], int], None] = lambda members, epoch: None
        # called before the first step of a cool-down, where `state` is whole
        self.cool: Callable[[Chunk], None] = lambda chunk: None

    def run(
        self,
        after_epoch: Callable[[Chunk], None],
        after_step: Callable[[], None],
        pause: Callable[[Chunk], None] = lambda chunk: None,
    ) -> None:
        """Train to the end, then measure the best epochs' weights on validation and test.

        `pause` is called after every step and between batches of evaluation, wherever `state` is
        whole: it may save it, and may raise to end the training there.
        """
        self.pause = pause
        while self.active and (self.within or self.epoch < self.setup.training.epochs):
            if self.within is None:
                self._begin_epoch()
            self._train_epoch(after_step)
            self.within = None
            after_epoch(self)
        self.flat.replace(self.best)
        for split in ("validation", "test"):
            kept: list[Tensor] | None = [] if split == "test" and self.task.kept else None
            measured = zip(*self._evaluate(split, kept), strict=True)
            outputs = torch.cat(kept, 1) if kept else [None] * len(self.members)
            for i, (loss, right) in enumerate(measured):
                member = self.members[i]
                if member.status == "ok" and not (math.isfinite(loss) and math.isfinite(right)):
                    # One test sample may be farther out than any that was trained on.
                    self.say(f"seed {member.seed}: its loss on {split} is not finite; diverged")
                    member.status, member.validation, self.outputs[i] = "diverged", None, None
                if member.status == "ok":
                    setattr(member, split, self.task.scores(loss, right))
                    self.outputs[i] = outputs[i]

    def state(self) -> State:
        """Everything that decides how training goes on, at the last step that was taken."""
        return {
            "epoch": self.epoch,
            "within": None if self.within is None else self.within.state(),
            "pieces": self.pieces,
            "active": self.active,
            "members": [as_json(member) for member in self.members],
            "weights": self.flat.snapshot(),
            "best": self.best,
            "optimiser": self.optimiser.state(),
        }

    def load(self, state: State) -> None:
        """Go on from a state of the same members."""
        self.epoch, self.active, self.best = state["epoch"], state["active"], state["best"]
        self.pieces = state["pieces"]
        self.members[:] = [member_of(member) for member in state["members"]]
        self.flat.replace(state["weights"])
        self.optimiser = self._optimiser()
        self.optimiser.load(state["optimiser"])
        if state["within"] is not None:
            self.epoch -= 1
            self._begin_epoch()
            self.within.load(state["within"])

    @property
    def steps_taken(self) -> int:
        """Steps since the beginning."""
        steps = self.task.steps(self.setup.training.batch_size)
        whole = self.epoch if self.within is None else self.epoch - 1
        return whole * steps + (0 if self.within is None else self.within.steps)

    def _begin_epoch(self) -> None:
        self.epoch += 1
        seeds = [self.members[i].seed for i in self.active]
        totals = torch.zeros(2, len(seeds), dtype=torch.float64, device=self.setup.device)
        self.within = Within(0, totals, Masks(seeds, self.epoch, self.setup.device))

    def _train_epoch(self, after_step: Callable[[], None]) -> None:
        """Take the steps that the epoch still lacks."""
        training, task, within = self.setup.training, self.task, self.within
        noise = within.noise
        steps = task.steps(training.batch_size)
        first = steps_of(task.blocks[:1], training.batch_size) * training.epochs
        whole = steps * training.epochs
        trunk = cools_at(whole) if training.schedule == "cooldown" else None
        self.model.train()
        batches = task.batches(noise.distinct, self.epoch, training.batch_size)
        # Batches that were seen before a resumption are made and dropped: so their draws are made.
        for x, y in islice(batches, within.steps, None):
            step = (self.epoch - 1) * steps + within.steps
            if step == trunk:
                self.cool(self)
            if len(noise.seeds) > 1:
                x, y = x[noise.index], y[noise.index]
            losses, right = self._gradients(x, y, noise)
            self.flat.clip(training.clip)
            factor = schedule(training.schedule, step, whole, training.warmup, first)
            self.optimiser.step(factor)
            within.totals[0] += losses * y.shape[1]
            within.totals[1] += right
            within.steps += 1
            after_step()
            self.pause(self)
        self._note(*(within.totals / task.samples).tolist())

    def _gradients(self, x: Tensor, y: Tensor, noise: Masks) -> tuple[Tensor, Tensor]:
        """Gradients of a batch into the flat rows; each member's mean loss, correct predictions.

        A batch that does not fit into memory is computed anew, with the same random draws, in twice
        as many pieces, and so are all that follow. No piece has one sample alone where a model
        normalises by the batch.
        """
        most = x.shape[1] if self.divisible else x.shape[1] // 2
        while True:
            drawn = noise.mark()
            try:
                return self._in_pieces(x, y, noise)
            except (RuntimeError, MemoryError) as fault:
                unrepeatable = self._unrepeatable(fault)
                if not unrepeatable and (self.pieces >= most or not out_of_memory(fault)):
                    raise
            # Out of the handler, so that nothing of the failed pass is still held.
            noise.restore(drawn)
            if unrepeatable:
                continue
            self.pieces = min(2 * self.pieces, most)
            if self.setup.device.type == "cuda":
                torch.cuda.empty_cache()
            self.say(
                f"out of memory: batches of {x.shape[1]} are from now on computed in "
                f"{self.pieces} pieces, their gradients added up"
                + ("" if self.divisible else "; batch norm then sees a piece, not the batch")
            )

    def _unrepeatable(self, fault: BaseException) -> bool:
        """Whether a pass failed for want of a repeatable kernel, and may now be tried again."""
        if not isinstance(fault, RuntimeError) or not allow_unrepeatable(fault):
            return False
        self.say(
            f"{str(fault).partition(', but')[0]} on this GPU: two runs of this job "
            "may differ by rounding"
        )
        return True

    def _in_pieces(self, x: Tensor, y: Tensor, noise: Masks) -> tuple[Tensor, Tensor]:
        total: Tensor | float = 0.0
        correct: Tensor | float = 0.0
        parts = zip(x.tensor_split(self.pieces, 1), y.tensor_split(self.pieces, 1), strict=True)
        for i, (part, labels) in enumerate(parts):
            share = labels.shape[1] / y.shape[1]
            with self._autocast():
                outputs = self.model(part, noise)
                losses, right = self.task.losses(outputs, labels)
                objective = self.task.objective(outputs, labels, losses)
                # What a family wants beside the task's loss: evenly used experts.
                beside = getattr(self.model, "auxiliary", None)
                objective = objective if beside is None else objective + beside()
            # The sum's gradient is, row by row, each member's own.
            self.flat.backward((objective * share).sum() if share < 1 else objective.sum(), i > 0)
            total = total + losses.detach().double() * share
            correct = correct + right
        return total, correct

    def _note(self, losses: list[float], accuracies: list[float]) -> None:
        """Write the epoch into the members' curves; let go of those that have ended."""
        patience = self.setup.training.patience
        going, improved = [], []
        for row, measured in enumerate(
            zip(losses, accuracies, *self._evaluate("validation"), strict=True)
        ):
            member = self.members[self.active[row]]
            member.epochs_run = self.epoch
            if not all(map(math.isfinite, measured)):
                member.status = "diverged"
                continue
            if measured[2] < member.best_loss:
                member.best_epoch = self.epoch
                improved.append(row)
            for name, value in zip(CURVES, measured, strict=True):
                getattr(member.curves, name).append(value)
            if patience is None or self.epoch - member.best_epoch < patience:
                going.append(row)
        self.stop(self.members, self.epoch)
        going = [row for row in going if self.members[self.active[row]].status == "ok"]
        if improved:
            rows = torch.tensor([self.active[row] for row in improved], device=self.setup.device)
            for name, values in self.flat.snapshot(torch.tensor(improved)).items():
                self.best[name][rows] = values
        if len(going) < len(self.active):
            rows = torch.tensor(going, dtype=torch.int64, device=self.setup.device)
            self.flat.replace(self.flat.snapshot(rows))
            self.active = [self.active[row] for row in going]
            self.optimiser.keep(rows, [self.members[i].learning_rate for i in self.active])

    @torch.no_grad()
    def _evaluate(
        self, split: str, kept: list[Tensor] | None = None
    ) -> tuple[list[float], list[float]]:
        """Mean loss and share right of each member that the flat rows hold; what the models give
        is added to `kept`, [M, B, K] a batch."""
        self.model.eval()
        total: Tensor | float = 0.0
        correct: Tensor | int = 0
        for x, y in self.task.evaluation(split):
            try:
                outputs, losses, right = self.measured(x, y)
            except RuntimeError as fault:
                if not self._unrepeatable(fault):
                    raise
                outputs, losses, right = self.measured(x, y)
            if kept is not None:
                kept.append(self.task.output(outputs))
            total = total + losses.double() * y.shape[1]
            correct = correct + right
            self.pause(self)
        count = len(self.task.y[split])
        return (total / count).tolist(), (correct / count).tolist()

    def measured(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the models give for a batch; each member's mean loss, correct predictions."""
        with self._autocast():
            outputs = self.model(x)
            return outputs, *self.task.losses(outputs, y)

    def _optimiser(self) -> Optimiser:
        training = self.setup.training
        rates = [self.members[i].learning_rate for i in self.active]
        return Optimiser(self.flat, rates, training.optimizer, training.weight_decay)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.setup.device.type, torch.bfloat16, enabled=self.setup.bfloat16)


def out_of_memory(fault: BaseException) -> bool:
    """Whether torch could not allocate: its own exception on a GPU, a plain one on a CPU."""
    words = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(fault, (torch.OutOfMemoryError, MemoryError)) or any(
        word in str(fault) for word in words
    )
