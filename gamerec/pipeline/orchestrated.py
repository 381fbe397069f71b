"""What an orchestrator such as Airflow calls between the notebooks that it executes itself.

`begin` before the first, `after_gate` behind evaluate, then `adopt.adopt` for the report, and
`send_word` at the end. Each may be called again, with the same result. Which orchestrator it is,
is unknown here.
"""

import sys
from typing import Any

from gamerec import notify
from gamerec.errors import DataError, ServiceError
from gamerec.parameters import RUN_ID, Values
from gamerec.pipeline import results
from gamerec.pipeline.plan import Request
from gamerec.pipeline.run import checked, run_pipeline
from gamerec.redaction import Redactor
from gamerec.reports.record import read_record
from gamerec.runs import STAGES, Run
from gamerec.settings import Settings, load_settings
from gamerec.storage import open_store


def begin(run_id: str, parameters: Values) -> dict[str, dict[str, Any]]:
    """Check the parameters and make the folder of the report; stage -> what its notebook is given.

    Raises UsageError or DataError as `gamerec run` does, before anything has run.
    """
    settings = load_settings()
    run = _run(run_id, settings)
    request = checked(Request(parameters=parameters), Redactor(settings.secrets))
    run_pipeline(request, settings=settings, dry_run=True, out=sys.stdout)
    (settings.reports / run.id).mkdir(parents=True, exist_ok=True)
    return {stage: request.parameters.get(stage, {}) | {RUN_ID: run.id} for stage in STAGES}


def after_gate(run_id: str) -> list[str]:
    """What comes next: 'batch_score', 'refused', or both where an older model goes on serving."""
    settings = load_settings()
    run = _run(run_id, settings)
    verdict = run.read_json("verdict")
    score = [] if results.reason_to_skip("batch_score", run, settings) else ["batch_score"]
    return score if verdict["promote"] else ["refused", *score]


def refusal(run_id: str) -> str:
    """Why the gate refused the candidate, in a sentence."""
    settings = load_settings()
    run = _run(run_id, settings)
    reason = run.read_json("verdict")["reason"]
    if results.reason_to_skip("batch_score", run, settings):
        return f"The candidate is refused, and nothing is live yet: {reason}"
    return f"The candidate is refused, production stays as it was and scores: {reason}"


def send_word(run_id: str) -> None:
    """Send word of how the run ended, by its report; also of one that came to no report.

    Raises ServiceError where it could not be sent, so that the orchestrator tries again.
    """
    settings = load_settings()
    try:
        word = notify.word_of(read_record(settings.reports / run_id), settings)
    except DataError:
        lines = ["It came to no report: the orchestrator's log of its tasks says why."]
        word = notify.plain_word(f"run {run_id} failed", "failed", lines, settings)
    if faults := notify.tell(word, settings):
        raise ServiceError("not sent: " + "; ".join(faults))


def _run(run_id: str, settings: Settings) -> Run:
    return Run(run_id, open_store(settings.store_uri, settings))
