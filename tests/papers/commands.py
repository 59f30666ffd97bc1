"""Runs what the papers tell people to type, paper by paper, block by block.

What is run is the text of the paper, with these differences:

- port 9000, which may be taken, is a free one, and the working folder is an
  empty one; servers that the reader has to have are private ones
  (`TEST_POSTGRES_URL`, `TEST_NATS_URL`);
- `cargo run` is what it runs, once it is built: `SERVER_BINARY`. Without
  arguments it goes on in the background until the paper is over, or starts it
  again; the next line is run when it is ready;
- `cargo run --example talk` is told a line, and has to hear it;
- the `cargo install` of a program is compared with the version that is there;
  there is a clone of this repository, and `cargo generate` asks nothing;
- `make TARGET` is only looked up: it is what runs this, or takes too long;
- an answer that is an HTTP error is a failure of curl.

Of the prose, code spans that begin with `make` or `cargo run --` are run.
"""

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"`((?:make|cargo run --) [^`]+)`")
SECONDS = 300

PRELUDE = r"""
set -euo pipefail
service=
quit() { [ -z "$service" ] || { kill "$service"; wait "$service" || true; service=; }; }
trap quit EXIT
serve() {
  quit
  GATEWAY_BIND_ADDR=127.0.0.1:$PORT "$SERVER_BINARY" </dev/null >service.log 2>&1 &
  service=$!
  for _ in $(seq 300); do
    if command curl -sf "http://127.0.0.1:$PORT/readyz" >/dev/null; then return; fi
    kill -0 "$service" || break
    sleep 0.1
  done
  cat service.log >&2
  return 1
}
talk() {
  "${SERVER_BINARY%/*}/examples/talk" "$@" < <(echo heard; sleep 30) >talk.log 2>&1 &
  local pid=$! heard=1
  for _ in $(seq 300); do
    if grep -q '^< heard' talk.log; then heard=0; break; fi
    sleep 0.1
  done
  kill "$pid"
  wait "$pid" || true
  cat talk.log
  return $heard
}
cargo() {
  case "$*" in
    run) serve ;;
    "run --example talk -- "*) shift 4; talk "$@" ;;
    "run -- "*) shift 2; "$SERVER_BINARY" "$@" ;;
    "install cargo-generate@"*) [ "$("$CARGO_GENERATE" --version)" = "cargo generate ${2#*@}" ] ;;
    "generate --path roomkey "*)
      [ -d roomkey ] || git clone --quiet "$ROOT" roomkey
      USER=somebody "$CARGO_GENERATE" "$@" --silent
      ;;
    *) command cargo "$@" ;;
  esac
}
make() { command make --dry-run -C "$ROOT" "$@" >/dev/null; }
curl() { command curl --fail-with-body --max-time 30 "$@"; }
"""


def blocks(text):
    """The commands of a paper: its blocks, then the spans of its prose."""
    yield from BLOCK.findall(text)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    yield from dict.fromkeys(SPAN.findall(prose))


def free_port():
    """A port that nobody listens on, and that the kernel gives nobody by itself:
    any connection could have taken one of those before the server does."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def private(text, port):
    """The text with this machine's servers in the place of the reader's."""
    text = text.replace(":9000", f":{port}")
    for scheme, name in (("postgres", "TEST_POSTGRES_URL"), ("tls", "TEST_NATS_URL")):
        text = re.sub(rf"{scheme}://user:password@[^'\"\s]+", lambda _: os.environ[name], text)
    return text


def run(paper):
    port = free_port()
    text = private(paper.read_text(encoding="utf-8"), port)
    script = PRELUDE
    for block in blocks(text):
        shown = block.replace("'", "'\\''")
        script += f"\nprintf '%s\\n' '{shown.strip()}' | sed 's/^/$ /'\n{block}\n"
    root = paper.resolve().parent
    environment = dict(os.environ, ROOT=str(root), PORT=str(port))
    with tempfile.TemporaryDirectory() as folder:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return shell.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return f"no end after {SECONDS} s"
        finally:
            # What a block left behind ends with it.
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def main(names):
    failed = False
    for name in names:
        print(f"--- {name}", flush=True)
        outcome = run(pathlib.Path(name))
        if outcome != 0:
            print(f"{name}: a command of it failed ({outcome})", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
