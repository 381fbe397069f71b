"""kill -9 of the runner, its fork server and its kernels at random moments."""

import random
from collections import Counter

from fault_bench import OTHER, Bench, Row, row, say
from fault_kills import PHASES, disturb, draw, reading, usual_seconds

PER_RUN = 26


def kills(bench: Bench) -> list[Row]:
    """Kill until there were as many as asked for; every run is compared with the calm one."""
    usual = usual_seconds(bench.calm, bench.calm_id)
    rng = random.Random(bench.seed)
    hits: Counter[tuple[str, str]] = Counter()
    reads: Counter[str] = Counter()
    faults: list[str] = []
    runs = 0
    while hits.total() < bench.kills:
        runs += 1
        # W&B's own process has to go with the kernel that started it, too.
        home = bench.home(WANDB_MODE="offline" if runs % 2 else "disabled")
        with reading(home) as read:
            count = min(PER_RUN, max(bench.kills - hits.total(), 4))
            seen = disturb(home, draw(rng, count), rng, usual, OTHER)
        hits.update(seen.hits)
        reads.update(read["reads"])
        faults += seen.faults + read["faults"] + bench.check(home, seen.run_id)
        say(f"  {hits.total()} kills, {seen.missed} too late, {reads}, faults: {faults}")
    where = Counter(phase for phase, _ in hits.elements())
    whom = Counter(target.split()[0] for _, target in hits.elements())
    stages = ", ".join(f"{phase} {where[phase]}" for phase in PHASES if where[phase])
    targets = ", ".join(f"{target} {n}" for target, n in whom.most_common())
    outcome = (
        f"after `--resume` each of {runs} runs equals an undisturbed one bit for bit; the "
        f"{reads.total():,} reads beside them were whole; no process is left over"
    )
    return [
        row(f"`kill -9` at random moments ({targets}; {stages})", hits.total(), outcome, faults)
    ]
