# Targets: `operator` (the controller), `job` (the pipeline, and the predictor that serves its
# models) and `servers` (a full MLflow server and a PostgreSQL, for the demo and the tests).
# Layers that change least come first; the project's own code is the last and smallest. What an
# image depends on is installed where it stays: copying it from another stage would make each
# build read all of it, only to find that nothing changed.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS runtime
RUN echo 'trainer:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'trainer:x:10001:' >> /etc/group
ENV PATH=/opt/project/bin:/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/project \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /tmp
COPY requirements/install requirements/build.txt /opt/requirements/

FROM runtime AS operator-runtime
COPY requirements/operator.txt /opt/requirements/
RUN /opt/requirements/install operator.txt

FROM runtime AS job-runtime
COPY requirements/job.txt /opt/requirements/
RUN /opt/requirements/install job.txt

FROM runtime AS build
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --no-cache-dir --require-hashes \
        -r /opt/requirements/build.txt \
    && /opt/build/bin/uv venv --quiet --no-python-downloads --python "$(command -v python3)" /opt/venv

# Installed with the interpreter of the final images: its path is written into the commands.
FROM build AS project
COPY pyproject.toml README.md LICENSE /src/
COPY operator /src/operator
COPY trainer_job /src/trainer_job
RUN cd /src \
    && /opt/build/bin/python -m hatchling build -t wheel -d /tmp/dist \
    && /opt/build/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python \
        --compile-bytecode --no-deps --target /opt/project /tmp/dist/*.whl

FROM operator-runtime AS operator
COPY --from=project /opt/project /opt/project
USER 10001:10001
ENTRYPOINT ["trainer-operator"]

# What the job depends on, and more on top of it, so that a node holds the larger part once.
FROM job-runtime AS servers
COPY requirements/servers.txt /opt/requirements/
RUN /opt/requirements/install servers.txt
USER 10001:10001

FROM job-runtime AS job
COPY --from=project /opt/project /opt/project
# The commit that the code is of; models carry it as a tag.
ARG GIT_COMMIT=""
ENV TRAINER_GIT_COMMIT=${GIT_COMMIT} \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
ENTRYPOINT ["trainer-job"]
CMD ["run"]
