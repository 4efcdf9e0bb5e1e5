"""nginx with `empty_gif`, one worker, no log."""

import subprocess
import time
from pathlib import Path

import psutil

_CONFIG = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }}
}}
"""


def start(folder: Path, port: int) -> tuple[subprocess.Popen[bytes], int]:
    """The master's process and the worker's id."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port))
    master = subprocess.Popen(["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(config)])
    deadline = time.monotonic() + 5
    while not (workers := psutil.Process(master.pid).children()):
        if time.monotonic() > deadline or master.poll() is not None:
            raise RuntimeError(f"nginx did not start: {(folder / 'error.log').read_text()}")
        time.sleep(0.02)
    return master, workers[0].pid
