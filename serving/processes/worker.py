"""A worker: the application of a BentoML service on a socket that the supervisor opened.

BentoML's own worker (`_bentoml_impl.worker.service`) loads 15 MB and 0.2 s more, none of which an answer
needs (`test_a_worker_loads_nothing_that_no_answer_needs`), and reports no reason of a failed start.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys

from serving.processes.parent_death_signal import end_with_parent
from serving.processes.start_pause import wait_before_start

KEEP_ALIVE_SECONDS = 75  # longer than a proxy's, so that it is never us who close under a request
DRAIN_SECONDS = 8
# LightGBM (the last: a part of numpy) imports them where they are installed: a hundred megabytes and a second
# that no answer needs.
LEFT_OUT = frozenset({"pandas", "sklearn", "charset_normalizer"})


class _NotHere:
    """Finds none of what is left out, as if it were not installed."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse to look for what is left out.

        Raises:
            ModuleNotFoundError: It is.
        """
        if name.partition(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(name, name=name)


def main() -> None:
    """Answer until told to stop; finish what is being answered, then end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--service", default="serving.service:VipReco", help="module:name of the service")
    arguments = parser.parse_args()
    os.umask(0o077)
    gc.disable()  # until all is there that answers need: it only grows, and is searched again and again
    sys.meta_path.insert(0, _NotHere)
    end_with_parent()
    wait_before_start()
    serve(arguments.service, socket.socket(fileno=arguments.socket))


def serve(name: str, listening: socket.socket) -> None:
    """Run the service of a name on a socket."""
    import uvicorn  # noqa: PLC0415 - after the tie, so that a parent that dies now is noticed

    from serving.http.asgi_adapter import load_service  # noqa: PLC0415
    from serving.processes.readiness import Readiness  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    app = load_service(name).mounted()
    app.outside = readiness = Readiness(app.outside)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        proxy_headers=False,
        lifespan="on",
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except SystemExit:  # the start failed; uvicorn's code for that means something else for us
        raise SystemExit(readiness.code) from None


if __name__ == "__main__":
    main()
