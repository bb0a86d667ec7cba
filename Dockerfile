# syntax=docker/dockerfile:1

# --- build: a wheel of this tree, and an environment from the hash-pinned lock ---
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src

# The locks alone first: a change of the code does not install the dependencies again.
COPY requirements-build.lock requirements-runtime.lock ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements-build.lock \
    && python -m venv /opt/incident-bot \
    && /opt/incident-bot/bin/pip install --require-hashes --only-binary :all: -r requirements-runtime.lock

COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY incident_bot ./incident_bot
COPY runbooks ./runbooks
COPY rotations ./rotations
COPY templates ./templates
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/incident-bot/bin/pip install --no-deps --no-index /dist/*.whl \
    && /opt/incident-bot/bin/python -m compileall -q /opt/incident-bot/lib

# --- run: the environment and nothing to build with ---
FROM python:3.11-slim AS run
ENV PATH=/opt/incident-bot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    INCIDENT_BOT_HOST=0.0.0.0 \
    INCIDENT_BOT_PORT=8080 \
    INCIDENT_BOT_CONFIG_DIR=/etc/incident-bot \
    INCIDENT_BOT_DATABASE_URL=sqlite:////var/lib/incident-bot/incident_bot.db

# A number, so that Kubernetes' runAsNonRoot can see that it is not root.
RUN groupadd --gid 10001 incident-bot \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/incident-bot --shell /usr/sbin/nologin incident-bot \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/incident-bot

COPY --from=build /opt/incident-bot /opt/incident-bot
# The samples, so that the image starts at once; mount your own configuration over them.
COPY rotations /etc/incident-bot/rotations
COPY runbooks /etc/incident-bot/runbooks
COPY templates /etc/incident-bot/templates

USER 10001:10001
WORKDIR /var/lib/incident-bot
VOLUME ["/var/lib/incident-bot"]
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['INCIDENT_BOT_PORT']}/health/live\", timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["incident-bot"]
CMD ["serve"]
