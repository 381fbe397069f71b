# gamerec in containers: `pipeline` (runs and schedule), `serve` (the service), `app` (the page).
# Behind a mirror: --secret id=pip,src=pip.conf, and --secret id=ca,src=ca.pem for its certificate;
# neither stays in a layer.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

# The parts that change seldom, under every target.
FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GAMEREC_HOME=/data \
    NUMBA_CACHE_DIR=/var/cache/gamerec/numba \
    MPLCONFIGDIR=/var/cache/gamerec/matplotlib
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin gamerec \
 && install -d -o gamerec -g gamerec /data /data/store /data/reports
WORKDIR /app

FROM base AS builder
COPY requirements.lock ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/venv \
 && pip install --no-compile --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY gamerec gamerec
COPY notebooks notebooks
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --no-compile --no-deps --editable .
# Bytecode that holds whatever becomes of the files' times; Numba goes by them, to the second.
RUN find /app -exec touch --date=2026-01-01 {} + \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib /app/gamerec \
 && gamerec warm-up

FROM base AS runtime
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
COPY --from=builder --chown=gamerec:gamerec /var/cache/gamerec /var/cache/gamerec
USER 10001:10001
VOLUME /data
ENTRYPOINT ["gamerec"]

FROM runtime AS app
EXPOSE 8866
CMD ["app"]

FROM runtime AS serve
EXPOSE 8000
CMD ["serve"]

FROM runtime AS pipeline
CMD ["run"]
