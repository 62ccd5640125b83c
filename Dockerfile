# The gateway and nothing else. It is PID 1: it gets the signals itself and collects orphans.
#
#   docker build -t gateway .
#   docker run -p 8080:8080 -v "$PWD/config/static.yaml:/etc/gateway/config.yaml:ro" gateway
#   docker run -v "$PWD/config/static.yaml:/etc/gateway/config.yaml:ro" gateway check /etc/gateway/config.yaml
#   docker build --build-arg EXTRAS=tracing -t gateway .    # with an extra
#
# Inside a container `ops.host: 0.0.0.0` is needed for the operators' port to be reached from outside. Pods that the
# gateway starts itself (`backends.processes`) need an image that has their software: build it FROM this one.

FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=""
WORKDIR /src
COPY pyproject.toml README.md ./
COPY gateway ./gateway
# The base image's pip fills an environment that has none of its own. Every dependency comes as a wheel.
RUN python -m venv --without-pip /opt/gateway \
 && python -m pip --python /opt/gateway/bin/python install --no-cache-dir --only-binary=:all: ".${EXTRAS:+[$EXTRAS]}"

FROM python:3.11-slim-bookworm
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Where the logs of `backends.processes` go. Spooled bodies go to /tmp.
RUN install --directory --owner=10001 --group=10001 /var/lib/gateway
WORKDIR /var/lib/gateway
USER 10001:10001
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# The operators' port, where it is by default.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-I", "-S", "-c", "from http.client import HTTPConnection; c = HTTPConnection('127.0.0.1', 9090, timeout=2); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["gateway"]
CMD ["serve", "--config", "/etc/gateway/config.yaml"]
