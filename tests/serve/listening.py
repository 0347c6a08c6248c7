"""A server that listens on a port, for clients other than the one in `serving.py`."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from serving import Site

from autograder.course import Course


@contextmanager
def listening(course: Course, **settings) -> Iterator[Site]:
    """A site that answers under its settings' host and port, as ``autograder serve`` runs it."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        site = Site(course, port=place.getsockname()[1], **settings)
        config = uvicorn.Config(site.app, log_level="warning", proxy_headers=False, server_header=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        try:
            yield site
        finally:
            server.should_exit = True
            thread.join()
