# The server, on the processor, with nothing that it does not need to run. See docs/how-to/deploy.md.
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /opt/pneumoscope \
 && /opt/pneumoscope/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[dicom]'

FROM python:3.11-slim
COPY --from=build /opt/pneumoscope /opt/pneumoscope
# Only a volume mounted here is ever written to, and only with --jobs.
RUN install -d -o 10001 -g 10001 -m 700 /var/lib/pneumoscope
ENV PATH=/opt/pneumoscope/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/pneumoscope
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/livez', timeout=4)"]
# Inside the container every address is its own; which others can reach is said with docker run --publish.
ENTRYPOINT ["pneumoscope", "serve", "--host", "0.0.0.0", "--port", "5000"]
