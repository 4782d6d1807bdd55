# Targets: `operator` (the controller), `job` (the pipeline, and the predictor that serves its
# models) and `servers` (a full MLflow server and a PostgreSQL, for the demo and the tests).
# Layers that change least come first; the project's own code is the last and smallest.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
ENV UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
COPY requirements/build.txt /src/requirements/build.txt
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --no-cache-dir --require-hashes \
        -r /src/requirements/build.txt \
    && ln -s /opt/build/bin/uv /usr/local/bin/uv \
    && uv venv --quiet --python "$(command -v python3)" /opt/venv

# Bytecode is compiled here: a read-only root file system cannot keep it, and each start would
# compile every import again.
FROM build AS operator-venv
COPY requirements/operator.txt /src/requirements/operator.txt
RUN uv pip install --quiet --python /opt/venv/bin/python --compile-bytecode --require-hashes \
        -r /src/requirements/operator.txt

FROM build AS job-venv
COPY requirements/job.txt /src/requirements/job.txt
RUN uv pip install --quiet --python /opt/venv/bin/python --compile-bytecode --require-hashes \
        -r /src/requirements/job.txt

FROM build AS project
COPY pyproject.toml README.md LICENSE /src/
COPY operator /src/operator
COPY trainer_job /src/trainer_job
RUN cd /src \
    && /opt/build/bin/python -m hatchling build -t wheel -d /tmp/dist \
    && uv pip install --quiet --python /opt/venv/bin/python --compile-bytecode --no-deps \
        --target /opt/project /tmp/dist/*.whl

FROM ${BASE_IMAGE} AS runtime
RUN echo 'trainer:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'trainer:x:10001:' >> /etc/group
ENV PATH=/opt/project/bin:/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/project \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /tmp

FROM runtime AS operator
COPY --from=operator-venv /opt/venv /opt/venv
COPY --from=project /opt/project /opt/project
USER 10001:10001
ENTRYPOINT ["trainer-operator"]

FROM runtime AS job-runtime
COPY --from=job-venv /opt/venv /opt/venv

FROM job-runtime AS servers
RUN --mount=type=bind,from=build,source=/opt/build,target=/opt/build \
    --mount=type=bind,source=requirements/servers.txt,target=/requirements.txt \
    /opt/build/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python \
        --compile-bytecode --require-hashes -r /requirements.txt
USER 10001:10001

FROM job-runtime AS job
COPY --from=project /opt/project /opt/project
USER 10001:10001
ENTRYPOINT ["trainer-job"]
CMD ["run"]
