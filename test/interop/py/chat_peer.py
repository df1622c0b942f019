"""A py-libp2p chat peer for interoperability tests.

It speaks /chat/1.0.0 in the manner of the chat example that py-libp2p
publishes: lines of text, each with its newline. One program runs it through
JSON lines on standard input and output; it knows nothing of Parley, and leaves
py-libp2p's defaults alone (identify runs, Noise and Yamux are offered first).

    chat_peer.py listen [--key rsa|ed25519] [--as-example]
    chat_peer.py dial MULTIADDR [--key rsa|ed25519] [--as-example]

With --as-example the end of a stream is what it is in the example: an error
that nobody handles, which ends the program.
"""

import argparse
import base64
import codecs
import json
import os
import sys

import trio
from libp2p import (
    generate_new_ed25519_identity,
    generate_new_rsa_identity,
    new_host,
)
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr

CHAT_PROTOCOL = TProtocol("/chat/1.0.0")
LISTEN_ADDRESS = Multiaddr("/ip4/127.0.0.1/tcp/0")

# One read may hold part of a line or several; the size decides nothing.
READ_BYTES = 64 * 1024

# Long enough for two cores that are busy with other peers of a test.
DIAL_TIMEOUT_SECONDS = 20

GENERATE_KEY = {
    "rsa": generate_new_rsa_identity,
    "ed25519": generate_new_ed25519_identity,
}


def emit(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Conversation:
    """The chat streams of this peer: every one is read, the newest is written to.

    What is written before there is a stream waits for one.
    """

    def __init__(self, as_example):
        self._as_example = as_example
        self._newest = None
        self._queued = []

    async def run(self, stream, direction):
        """Reads a stream until it ends."""
        emit("stream", direction=direction)
        self._newest = stream
        queued, self._queued = self._queued, []
        for data in queued:
            await self.write(data)
        try:
            await self._read(stream)
        finally:
            await self._ended(stream)

    async def _read(self, stream):
        # Unlike the example, which decodes each read by itself and so fails
        # where a read ends inside of a character.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        unfinished = ""
        while True:
            try:
                data = await stream.read(READ_BYTES)
            except trio.Cancelled:
                raise
            except Exception:
                if self._as_example:
                    raise
                data = b""
            *lines, unfinished = (unfinished + decoder.decode(data)).split("\n")
            if not data:
                lines.append(unfinished)
            for line in lines:
                if line:
                    emit("text", text=line)
            if not data:
                return

    async def _ended(self, stream):
        if self._newest is stream:
            self._newest = None
        emit("closed")
        with trio.move_on_after(1, shield=True):
            try:
                await stream.close()
            except Exception as error:
                print(f"closing a stream that has ended: {error!r}", file=sys.stderr)

    async def write(self, data):
        if self._newest is None:
            self._queued.append(data)
            return
        try:
            await self._newest.write(data)
        except Exception as error:
            emit("error", message=repr(error))

    async def close(self):
        if self._newest is not None:
            await self._newest.close()


def in_our_manner(lines):
    return "".join(line + "\n" for line in lines).encode()


async def read_lines(file_descriptor):
    """The lines of a pipe. Unlike a read in a thread, it can be cancelled."""
    unfinished = b""
    async with trio.lowlevel.FdStream(os.dup(file_descriptor)) as pipe:
        async for data in pipe:
            *lines, unfinished = (unfinished + data).split(b"\n")
            for line in lines:
                yield line


async def obey(conversation):
    """Carries out commands until standard input ends."""
    async for line in read_lines(sys.stdin.fileno()):
        command = json.loads(line)
        if "send" in command:
            await conversation.write(in_our_manner([command["send"]]))
        elif "sendMany" in command:
            await conversation.write(in_our_manner(command["sendMany"]))
        elif "raw" in command:
            await conversation.write(base64.b64decode(command["raw"]))
        elif command.get("close"):
            await conversation.close()


async def open_stream(host, destination):
    target = info_from_p2p_addr(Multiaddr(destination))
    with trio.fail_after(DIAL_TIMEOUT_SECONDS):
        await host.connect(target)
        return await host.new_stream(target.peer_id, [CHAT_PROTOCOL])


async def run(arguments):
    host = new_host(key_pair=GENERATE_KEY[arguments.key]())
    conversation = Conversation(arguments.as_example)
    async with host.run(listen_addrs=[LISTEN_ADDRESS]), trio.open_nursery() as nursery:
        if arguments.mode == "listen":

            async def answer(stream):
                # As the example does: what a handler itself raises ends nothing.
                nursery.start_soon(conversation.run, stream, "inbound")

            host.set_stream_handler(CHAT_PROTOCOL, answer)
        # The address carries the peer ID.
        emit("listening", address=str(host.get_addrs()[0]), peerId=str(host.get_id()))
        if arguments.mode == "dial":
            # Like the example, a dialer serves no chat protocol of its own: the
            # other side can only answer on the stream that is opened here.
            stream = await open_stream(host, arguments.destination)
            nursery.start_soon(conversation.run, stream, "outbound")
        await obey(conversation)
        nursery.cancel_scope.cancel()


def parse_arguments():
    key = argparse.ArgumentParser(add_help=False)
    key.add_argument("--key", choices=GENERATE_KEY, default="ed25519")
    key.add_argument("--as-example", action="store_true")
    parser = argparse.ArgumentParser()
    modes = parser.add_subparsers(dest="mode", required=True)
    modes.add_parser("listen", parents=[key])
    modes.add_parser("dial", parents=[key]).add_argument("destination")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse_arguments()
    try:
        trio.run(run, arguments)
    except BaseException as error:
        emit("error", message=repr(error))
        raise
