"""Training some members together: epochs, validation, early stopping, the best epoch's weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from ..networks.build import build, initialise
from ..networks.draws import Masks
from .flat import Flat
from .optimise import Optimiser, schedule

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


@dataclass
class Member:
    """One training run: its seed, its learning rate and what has become of it."""

    seed: int
    learning_rate: float
    status: str = "ok"  # or "diverged": a loss that is not finite
    epochs_run: int = 0
    best_epoch: int = 0  # 1-based; 0 as long as there is none
    curves: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CURVES})
    validation: dict[str, float] | None = None
    test: dict[str, float] | None = None

    @property
    def best_loss(self) -> float:
        """Lowest validation loss so far."""
        return min(self.curves["validation_loss"], default=math.inf)


@dataclass(frozen=True)
class Plan:
    """What all members of a job have in common."""

    family: str
    size: dict[str, Any]
    training: dict[str, Any]  # the configuration's section
    device: torch.device
    bfloat16: bool


@dataclass
class Within:
    """An epoch of which some steps are taken."""

    steps: int
    totals: Tensor  # [2, members]: loss times samples, correct predictions
    noise: Masks

    def state(self) -> dict[str, Any]:
        """Where the epoch stands; the order of its batches follows from seed and epoch."""
        drawn, lent = self.noise.mark()
        return {"steps": self.steps, "totals": self.totals.clone(), "drawn": drawn, "lent": lent}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.steps, self.totals = state["steps"], state["totals"]
        self.noise.restore((state["drawn"], state["lent"]))


class Chunk:
    """Members that are trained together. No member's result depends on who else is in the chunk,
    but for rounding."""

    def __init__(
        self, plan: Plan, task: Any, members: list[Member], say: Callable[[str], None] = print
    ):
        self.plan, self.task, self.members, self.say = plan, task, members, say
        self.model = build(plan.family, plan.size, task.meta, len(members), plan.device.type)
        initialise(self.model, [member.seed for member in members])
        self.flat = Flat(self.model)
        self.active = list(range(len(members)))
        self.optimiser = self._optimiser()
        self.best = self.flat.snapshot()
        self.epoch = 0
        self.within: Within | None = None  # the epoch that is being trained, none between epochs
        self.pieces = 1  # in which a batch is computed, its gradients added up
        self.pause: Callable[[Chunk], None] = lambda chunk: None

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
        while self.active and (self.within or self.epoch < self.plan.training["epochs"]):
            if self.within is None:
                self._begin_epoch()
            self._train_epoch(after_step)
            self.within = None
            after_epoch(self)
        self.flat.replace(self.best)
        for split in ("validation", "test"):
            losses, accuracies = self._evaluate(split)
            for member, loss, accuracy in zip(self.members, losses, accuracies, strict=True):
                if member.status == "ok":
                    measured = {"loss": loss, "accuracy": accuracy, "error": 1.0 - accuracy}
                    setattr(member, split, measured)

    def state(self) -> dict[str, Any]:
        """Everything that decides how training goes on, at the last step that was taken."""
        return {
            "epoch": self.epoch,
            "within": None if self.within is None else self.within.state(),
            "pieces": self.pieces,
            "active": self.active,
            "members": [asdict(member) for member in self.members],
            "weights": self.flat.snapshot(),
            "best": self.best,
            "optimiser": self.optimiser.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same members."""
        self.epoch, self.active, self.best = state["epoch"], state["active"], state["best"]
        self.pieces = state["pieces"]
        self.members[:] = [Member(**member) for member in state["members"]]
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
        steps = self.task.steps(self.plan.training["batch_size"])
        whole = self.epoch if self.within is None else self.epoch - 1
        return whole * steps + (0 if self.within is None else self.within.steps)

    def _begin_epoch(self) -> None:
        self.epoch += 1
        seeds = [self.members[i].seed for i in self.active]
        totals = torch.zeros(2, len(seeds), dtype=torch.float64, device=self.plan.device)
        self.within = Within(0, totals, Masks(seeds, self.epoch, self.plan.device))

    def _train_epoch(self, after_step: Callable[[], None]) -> None:
        """Take the steps that the epoch still lacks."""
        training, task, within = self.plan.training, self.task, self.within
        noise = within.noise
        steps = task.steps(training["batch_size"])
        self.model.train()
        batches = task.batches(noise.distinct, self.epoch, training["batch_size"])
        # Batches that were seen before a resumption are made and dropped: so their draws are made.
        for x, y in islice(batches, within.steps, None):
            if len(noise.seeds) > 1:
                x, y = x[noise.index], y[noise.index]
            losses, right = self._gradients(x, y, noise)
            self.flat.clip(training["clip"])
            step = (self.epoch - 1) * steps + within.steps
            self.optimiser.step(
                schedule(training["schedule"], step, steps * training["epochs"], training["warmup"])
            )
            within.totals[0] += losses * y.shape[1]
            within.totals[1] += right
            within.steps += 1
            after_step()
            self.pause(self)
        self._note(*(within.totals / task.samples).tolist())

    def _gradients(self, x: Tensor, y: Tensor, noise: Masks) -> tuple[Tensor, Tensor]:
        """Gradients of a batch into the flat rows; each member's mean loss, correct predictions.

        A batch that does not fit into memory is computed anew, with the same random draws, in twice
        as many pieces, and so are all that follow.
        """
        if not self.task.divisible:
            return self._in_pieces(x, y, noise)
        while True:
            drawn = noise.mark()
            try:
                return self._in_pieces(x, y, noise)
            except (RuntimeError, MemoryError) as fault:
                if self.pieces >= x.shape[1] or not out_of_memory(fault):
                    raise
            # Out of the handler, so that nothing of the failed pass is still held.
            noise.restore(drawn)
            self.pieces = min(2 * self.pieces, x.shape[1])
            if self.plan.device.type == "cuda":
                torch.cuda.empty_cache()
            self.say(
                f"out of memory: batches of {x.shape[1]} are from now on computed in "
                f"{self.pieces} pieces, their gradients added up"
            )

    def _in_pieces(self, x: Tensor, y: Tensor, noise: Masks) -> tuple[Tensor, Tensor]:
        total: Tensor | float = 0.0
        correct: Tensor | float = 0.0
        parts = zip(x.tensor_split(self.pieces, 1), y.tensor_split(self.pieces, 1), strict=True)
        for i, (part, labels) in enumerate(parts):
            share = labels.shape[1] / y.shape[1]
            with self._autocast():
                losses, right = self.task.losses(self.model(part, noise), labels)
                # What a family wants beside the task's loss: evenly used experts.
                beside = getattr(self.model, "auxiliary", None)
                objective = losses if beside is None else losses + beside()
            # The sum's gradient is, row by row, each member's own.
            self.flat.backward((objective * share).sum() if share < 1 else objective.sum(), i > 0)
            total = total + losses.detach().double() * share
            correct = correct + right
        return total, correct

    def _note(self, losses: list[float], accuracies: list[float]) -> None:
        """Write the epoch into the members' curves; let go of those that have ended."""
        patience = self.plan.training["patience"]
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
                member.curves[name].append(value)
            if patience is None or self.epoch - member.best_epoch < patience:
                going.append(row)
        if improved:
            rows = torch.tensor([self.active[row] for row in improved], device=self.plan.device)
            for name, values in self.flat.snapshot(torch.tensor(improved)).items():
                self.best[name][rows] = values
        if len(going) < len(self.active):
            rows = torch.tensor(going, dtype=torch.int64, device=self.plan.device)
            self.flat.replace(self.flat.snapshot(rows))
            self.active = [self.active[row] for row in going]
            self.optimiser.keep(rows, [self.members[i].learning_rate for i in self.active])

    @torch.no_grad()
    def _evaluate(self, split: str) -> tuple[list[float], list[float]]:
        """Mean loss and accuracy of each member that the flat rows hold."""
        self.model.eval()
        total: Tensor | float = 0.0
        correct: Tensor | int = 0
        for x, y in self.task.evaluation(split):
            with self._autocast():
                losses, right = self.task.losses(self.model(x), y)
            total = total + losses.double() * y.shape[1]
            correct = correct + right
            self.pause(self)
        count = len(self.task.y[split])
        return (total / count).tolist(), (correct / count).tolist()

    def _optimiser(self) -> Optimiser:
        training = self.plan.training
        rates = [self.members[i].learning_rate for i in self.active]
        return Optimiser(self.flat, rates, training["optimizer"], training["weight_decay"])

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.plan.device.type, torch.bfloat16, enabled=self.plan.bfloat16)


def out_of_memory(fault: BaseException) -> bool:
    """Whether torch could not allocate: its own exception on a GPU, a plain one on a CPU."""
    words = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(fault, (torch.OutOfMemoryError, MemoryError)) or any(
        word in str(fault) for word in words
    )
