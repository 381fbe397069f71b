# gamerec in containers: `pipeline` (runs and schedule), `serve` (the service), `app` (the page).
# Behind a mirror: --secret id=pip,src=pip.conf, and --secret id=ca,src=ca.pem for its certificate
# (`cert = /run/secrets/ca.pem` in pip.conf). Neither stays in a layer.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GAMEREC_HOME=/data \
    NUMBA_CACHE_DIR=/var/cache/gamerec/numba \
    MPLCONFIGDIR=/var/cache/gamerec/matplotlib
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin gamerec \
 && install -d -o gamerec -g gamerec /data /data/store /data/reports
WORKDIR /app

# Everything of the lock file, without what no container needs: tests, headers, an editor.
FROM base AS packages
COPY requirements.lock ./
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/venv; \
    pip install --no-compile --require-hashes -r requirements.lock; \
    pip uninstall --quiet --yes jupyterlab jedi parso debugpy; \
    rm -rf /opt/venv/share/jupyter/lab /opt/venv/share/man; \
    site=/opt/venv/lib/python3.11/site-packages; \
    find $site -depth -type d \( -name tests -o -name test \) -not -path '*/numpy/*' -exec rm -rf {} +; \
    find $site -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.pyx' -o -name '*.a' -o -name '*.map' \) -delete; \
    rm -rf $site/pyarrow/include $site/pyarrow/*flight*
COPY . ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --no-compile --no-deps --editable .

# Compiled ahead by a small run. Bytecode holds whatever becomes of the files' times; Numba's cache
# goes by them, so they are whole seconds, as layers keep them.
FROM packages AS warm
RUN find /app -exec touch --date=2026-01-01 {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /app/gamerec \
 && gamerec warm-up

FROM warm AS all-packages
RUN pip uninstall --quiet --yes setuptools pip

FROM warm AS service-packages
RUN python /app/scripts/containers/keep_packages.py gamerec \
      alembic boto3 fastapi fastapi-offline filelock httptools numba numpy orjson pandas \
      prometheus-client psutil pyarrow pydantic-settings pymysql cryptography pyyaml requests \
      scipy sqlalchemy tenacity typer urllib3 uvicorn uvloop \
 && pip uninstall --quiet --yes pip

# The image of the service: no notebooks, no W&B, no plots.
FROM base AS serve
COPY --from=service-packages /opt/venv /opt/venv
COPY --from=warm /app /app
COPY --from=warm --chown=10001:10001 /var/cache/gamerec /var/cache/gamerec
ENV SERVICE_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"SERVICE_PORT\") or 8000}/readyz', timeout=4)"]
ENTRYPOINT ["gamerec"]
CMD ["serve"]

FROM base AS project
COPY --from=all-packages /opt/venv /opt/venv
COPY --from=warm /app /app
COPY --from=warm --chown=10001:10001 /var/cache/gamerec /var/cache/gamerec
USER 10001:10001
ENTRYPOINT ["gamerec"]

# A static file: a page would start a kernel every time.
FROM project AS app
EXPOSE 8866
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
  CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8866/voila/static/page.css', timeout=4)"]
CMD ["app", "--host", "0.0.0.0"]

# `run` ends, and its exit code says how it went; compose.yaml looks after `schedule`.
FROM project AS pipeline
HEALTHCHECK NONE
CMD ["run"]
