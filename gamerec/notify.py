"""Word of how a run ended, through Apprise: Slack, Discord, mail, a webhook and a hundred others.

Sending is bounded in time and never raises: what goes wrong is logged, without the addresses,
whose tokens are secrets, and changes nothing. Knows records of runs; schedules are unknown here.
"""

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from gamerec.redaction import MASK, Redactor
from gamerec.reports.record import RunRecord, read_records
from gamerec.settings import Settings

_log = logging.getLogger(__name__)

Kind = Literal["success", "warning", "failure"]

_KEY_METRICS = ("ndcg", "recall", "coverage", "diversity")  # of the stage evaluate, at whatever k
_NAMES = {"ndcg": "NDCG"}


@dataclass(frozen=True)
class Word:
    """What is sent."""

    kind: Kind
    title: str
    body: str


def tell_run(record: RunRecord, settings: Settings) -> list[str]:
    """Send word of a run that has ended, as the settings want it; what went wrong, if anything."""
    return tell(word_of(record, settings), settings)


def tell(word: Word, settings: Settings) -> list[str]:
    """Send a word that the settings want; what went wrong, which has been logged."""
    addresses = targets(settings)
    unwanted = {"failure": ("success",), "success": ("warning", "failure"), "always": ()}
    if not addresses or word.kind in unwanted[settings.notify_on]:
        return []
    faults = send(word, addresses, settings)
    for fault in faults:
        _log.warning("notification not sent: %s", fault)
    return faults


def word_of(record: RunRecord, settings: Settings, status: str = "", message: str = "") -> Word:
    """Status, key metrics against the run before, the gate's verdict and the link to the report.

    status, message: instead of the record's own, of a run that was killed and cannot tell.
    """
    status = status or record.status
    lines = [message or _fault(record)]
    lines += [stage.made for name, stage in record.stages.items() if name in _TOLD and stage.made]
    lines.append(_metrics(record, read_records(settings.reports)))
    if record.gate:
        verdict = "promoted" if record.gate["promote"] else "refused"
        lines.append(f"Gate: {verdict}, {record.gate['reason']}")
    lines.append(f"Took {record.seconds:.0f} s")
    if record.resume and status not in ("done", "refused"):
        lines.append(f"Go on with: {record.resume}")
    lines.append(f"Report: {report_link(record.run_id, settings)}")
    return plain_word(f"run {record.run_id} {status}", status, lines, settings)


def plain_word(title: str, status: str, lines: list[str], settings: Settings) -> Word:
    """A word without secrets; empty lines are left out."""
    redact = Redactor(settings.secrets)
    kind: Kind = {"done": "success", "refused": "warning"}.get(status, "failure")  # type: ignore[assignment]
    body = "\n".join(redact(line) for line in lines if line)
    return Word(kind, redact(f"gamerec: {title}"), body)


def report_link(run_id: str, settings: Settings) -> str:
    """Where the report of a run can be read: below REPORTS_URL, else its file."""
    if settings.reports_url:
        return f"{settings.reports_url.rstrip('/')}/{run_id}/index.html"
    return str(settings.reports / run_id / "index.html")


def targets(settings: Settings) -> list[str]:
    """The addresses of NOTIFY_URLS."""
    return [a for a in re.split(r"[\s,]+", settings.notify_urls.get_secret_value()) if a]


def understood(address: str) -> bool:
    """Whether Apprise knows what to do with an address. Nothing is sent."""
    import apprise  # takes a quarter of a second

    with _Heard():
        return apprise.Apprise().add(address)


def send(word: Word, addresses: list[str], settings: Settings) -> list[str]:
    """Send to all addresses at once, within NOTIFY_TIMEOUT seconds together; the faults."""
    faults: dict[int, str] = {
        n: f"{_scheme(address)}: no answer within {settings.notify_timeout:g} s"
        for n, address in enumerate(addresses)
    }

    def one(number: int) -> None:
        fault = _deliver(word, addresses[number])
        faults[number] = f"{_scheme(addresses[number])}: {fault}" if fault else ""

    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(len(addresses))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + settings.notify_timeout
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    redact = Redactor(settings.secrets)
    return [redact(fault) for fault in list(faults.values()) if fault]


def _deliver(word: Word, address: str) -> str:
    """Send to one address; what went wrong, else empty."""
    import apprise

    with _Heard() as heard:
        try:
            # Without a time-out of its own: that would be a thread which the exit waits for.
            service = apprise.Apprise(asset=apprise.AppriseAsset(service_timeout=0))
            if not service.add(address):
                return "not an address that Apprise understands; see NOTIFY_URLS"
            sent = service.notify(
                title=word.title,
                body=word.body,
                notify_type=word.kind,
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # a plug-in of any of a hundred services
            return _without_tokens(f"{type(error).__name__}: {error}", address)
    return "" if sent else _without_tokens(heard.last or "refused", address)


class _Heard(logging.Filter):
    """Catches what Apprise logs in this thread: it would go to standard error, with addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.last = ""
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        if record.levelno >= logging.WARNING:
            self.last = record.getMessage()
        return False

    def __enter__(self) -> "_Heard":
        logging.getLogger("apprise").addFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeFilter(self)


def _without_tokens(text: str, address: str) -> str:
    """The text without any part of the address but its scheme: each may be a token."""
    for part in sorted(re.split(r"[/:@?&=#]+", address)[1:], key=len, reverse=True):
        if len(part) >= 6:
            text = text.replace(part, MASK)
    return text[:300]


def _scheme(address: str) -> str:
    return address.split("://")[0] if "://" in address else "an address without ://"


_TOLD = ("train", "evaluate", "batch_score")


def _fault(record: RunRecord) -> str:
    return f"{record.error['stage']}: {record.error['message']}"[:500] if record.error else ""


def _metrics(record: RunRecord, records: list[RunRecord]) -> str:
    """Key metrics, each with its difference from the newest complete run before."""
    own = _evaluated(record)
    earlier = (r for r in records if r.run_id < record.run_id and r.status in ("done", "refused"))
    before = next((r for r in earlier if _evaluated(r)), None)
    old = _evaluated(before) if before else {}
    shown = []
    for name, value in own.items():
        stem, _, depth = name.partition("@")
        if stem in _KEY_METRICS and isinstance(value, (int, float)):
            change = f" ({value - old[name]:+.3f})" if name in old else ""
            shown.append(f"{_NAMES.get(stem, stem)}@{depth} {value:.3f}{change}")
    against = f", against run {before.run_id}" if before and shown else ""
    return ", ".join(shown) + against


def _evaluated(record: RunRecord) -> dict[str, Any]:
    stage = record.stages.get("evaluate")
    return stage.metrics if stage and stage.status == "done" else {}
