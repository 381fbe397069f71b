"""gamerec's pipeline as an Airflow DAG: one PapermillOperator for each notebook.

    check ▶ crawl ▶ preprocess ▶ simulate ▶ train ▶ evaluate ▶ gate ▶ batch_score ▶ report ▶ notify
               └──▶ eda ──────────────────────────────────────┐  └──▶ refused ────────┘

Airflow has an environment of its own (`requirements.txt` beside this file). Kernels and the tasks
that need `gamerec` run in the project's `.venv`, so nothing of the project is imported here.

| environment variable | default | what for |
|---|---|---|
| `GAMEREC_PROJECT` | the checkout this file lies in | where `notebooks/` and `.venv` are |
| `GAMEREC_HOME` | the project | where `store/` and `reports/` are |
| `GAMEREC_PYTHON` | `.venv/bin/python` of the project | the Python that has gamerec |
| `GAMEREC_KERNEL` | `gamerec` | the Jupyter kernel that is this Python |
| `GAMEREC_CRON` | `0 3 * * *` | when; empty: only when triggered |
| `GAMEREC_TZ` | `Asia/Seoul` | the time zone of that |
| `GAMEREC_RETRIES` | `2` | further tries of a task that failed, after half a minute and more |

Parameters of the notebooks go into the run's configuration, as `gamerec run -f` takes them:
`{"parameters": {"train": {"EPOCHS": 20}}}`.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.sdk import DAG, Param, TriggerRule, chain, task

PROJECT = Path(os.environ.get("GAMEREC_PROJECT") or Path(__file__).resolve().parents[2])
HOME = Path(os.environ.get("GAMEREC_HOME") or PROJECT)
PYTHON = os.environ.get("GAMEREC_PYTHON") or str(PROJECT / ".venv" / "bin" / "python")
KERNEL = os.environ.get("GAMEREC_KERNEL") or "gamerec"
CRON = os.environ.get("GAMEREC_CRON", "0 3 * * *") or None
TZ = ZoneInfo(os.environ.get("GAMEREC_TZ") or "Asia/Seoul")
RETRIES = int(os.environ.get("GAMEREC_RETRIES") or 2)

STAGES = ("crawl", "eda", "preprocess", "simulate", "train", "evaluate", "batch_score")

# The same for every task and every retry of a DAG run, and in the form of gamerec's own run ids.
RUN_ID = "{{ dag_run.run_after.strftime('%Y%m%d-%H%M%S-%f')[:19] }}"

in_gamerec = {
    "python": PYTHON,
    "expect_airflow": False,
    "env_vars": {"GAMEREC_HOME": str(HOME)},
}


@task.external_python(**in_gamerec)
def check(own_id: str, parameters: dict) -> dict:
    """Refuse unknown parameters before anything runs; what each notebook is given."""
    from gamerec.pipeline.orchestrated import begin

    return begin(own_id, parameters)


@task.branch_external_python(**in_gamerec)
def gate(own_id: str) -> list:
    """Go on as the gate decided: a refused candidate leaves production as it is, and says so."""
    from gamerec.pipeline.orchestrated import after_gate

    return after_gate(own_id)


@task.external_python(**in_gamerec)
def refused(own_id: str) -> None:
    """Say why the candidate was refused."""
    from gamerec.pipeline.orchestrated import refusal

    print(refusal(own_id))


@task.external_python(trigger_rule=TriggerRule.ALL_DONE, **in_gamerec)
def report(own_id: str) -> str:
    """Write run.json, the pages and the index, however the run ended."""
    from gamerec.pipeline.adopt import adopt

    record = adopt(own_id)
    print(f"run {own_id}: {record.status}")
    return record.status


@task.external_python(trigger_rule=TriggerRule.ALL_DONE, **in_gamerec)
def notify(own_id: str) -> None:
    """Send word, however the run ended."""
    from gamerec.pipeline.orchestrated import send_word

    send_word(own_id)


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
def watcher() -> None:
    """Fail the DAG run when any task failed: the last ones run, and succeed, all the same."""
    raise RuntimeError("a task failed; its log and the report say why")


def notebook(stage: str) -> PapermillOperator:
    """The task of one stage. Its notebook begins by taking its own mark away: it can run again."""
    name = f"{STAGES.index(stage) + 1:02d}_{stage}.ipynb"
    return PapermillOperator(
        task_id=stage,
        input_nb=str(PROJECT / "notebooks" / name),
        output_nb=f"{HOME}/reports/{RUN_ID}/{name}",
        parameters=f"{{{{ ti.xcom_pull(task_ids='check')['{stage}'] }}}}",
        kernel_name=KERNEL,
        language_name="python",
    )


with DAG(
    dag_id="game_recommend_pipeline",
    description="Crawl, explore, clean, simulate, train, evaluate, batch-score",
    schedule=CRON,
    start_date=datetime(2026, 1, 1, tzinfo=TZ),
    catchup=False,
    max_active_runs=1,
    render_template_as_native_obj=True,
    params={
        "parameters": Param({}, type="object", description="stage -> NAME -> value"),
    },
    default_args={
        "retries": RETRIES,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
    },
    tags=["gamerec"],
    doc_md=__doc__,
) as dag:
    checked = check(RUN_ID, "{{ params.parameters }}")
    stage = {name: notebook(name) for name in STAGES if name != "batch_score"}
    decision, turned_down = gate(RUN_ID), refused(RUN_ID)
    scored = notebook("batch_score")
    written, told = report(RUN_ID), notify(RUN_ID)

    main = ("crawl", "preprocess", "simulate", "train", "evaluate")
    chain(checked, *(stage[name] for name in main), decision, [turned_down, scored], written, told)
    chain(stage["crawl"], stage["eda"], written)
    list(dag.tasks) >> watcher()
