"""Messages between two processes of toxcore on this machine, each at the interval that toxcore asks for. toxcore keeps
them in memory and confirms each. Prints a line when the two are connected; then, for each line with a number on its
standard input, sends so many messages and prints the seconds until all were confirmed. It ends with its input.

Run: tox-messages.py TEXT
"""

import ctypes
import ctypes.util
import json
import os
import select
import socket
import sys
import time

library = ctypes.CDLL("libtoxcore.so.2")
UDP = 2
NO_ERROR = 0
SEND_QUEUE_FULL = 4
# A connection over the loopback takes some seconds; a machine that is busy with other things needs more.
CONNECT_SECONDS = 60
# What stands still for so long has stalled.
STALL_SECONDS = 30

ReadReceipt = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)
library.tox_options_new.restype = ctypes.c_void_p
library.tox_new.restype = ctypes.c_void_p
library.tox_new.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
library.tox_options_set_ipv6_enabled.argtypes = [ctypes.c_void_p, ctypes.c_bool]
library.tox_options_set_local_discovery_enabled.argtypes = [ctypes.c_void_p, ctypes.c_bool]
library.tox_options_set_start_port.argtypes = [ctypes.c_void_p, ctypes.c_uint16]
library.tox_options_set_end_port.argtypes = [ctypes.c_void_p, ctypes.c_uint16]
library.tox_iterate.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
library.tox_iteration_interval.argtypes = [ctypes.c_void_p]
library.tox_iteration_interval.restype = ctypes.c_uint32
library.tox_self_get_public_key.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
library.tox_self_get_dht_id.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
library.tox_self_get_udp_port.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
library.tox_self_get_udp_port.restype = ctypes.c_uint16
library.tox_bootstrap.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint16, ctypes.c_char_p, ctypes.c_void_p]
library.tox_friend_add_norequest.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
library.tox_friend_add_norequest.restype = ctypes.c_uint32
library.tox_friend_get_connection_status.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]
library.tox_friend_send_message.argtypes = [
    ctypes.c_void_p,
    ctypes.c_uint32,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_int),
]
library.tox_callback_friend_read_receipt.argtypes = [ctypes.c_void_p, ReadReceipt]


class Peer:
    def __init__(self):
        options = library.tox_options_new(None)
        library.tox_options_set_ipv6_enabled(options, False)
        library.tox_options_set_local_discovery_enabled(options, False)
        library.tox_options_set_start_port(options, 33445)
        library.tox_options_set_end_port(options, 33545)
        self.tox = library.tox_new(options, None)
        if not self.tox:
            raise SystemExit("toxcore does not start")
        self.friend = 0

    def place(self):
        key, dht = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
        library.tox_self_get_public_key(self.tox, key)
        library.tox_self_get_dht_id(self.tox, dht)
        port = library.tox_self_get_udp_port(self.tox, None)
        return {"key": key.raw.hex(), "dht": dht.raw.hex(), "port": port}

    def befriend(self, other):
        library.tox_bootstrap(self.tox, b"127.0.0.1", other["port"], bytes.fromhex(other["dht"]), None)
        self.friend = library.tox_friend_add_norequest(self.tox, bytes.fromhex(other["key"]), None)

    def is_connected(self):
        return library.tox_friend_get_connection_status(self.tox, self.friend, None) == UDP

    def iterate(self):
        library.tox_iterate(self.tox, None)

    def pause(self):
        time.sleep(library.tox_iteration_interval(self.tox) / 1000)


def receive(channel):
    peer = Peer()
    channel.send(json.dumps(peer.place()).encode())
    peer.befriend(json.loads(channel.recv(4096)))
    # Until the sender is gone.
    while os.getppid() == parent:
        peer.iterate()
        peer.pause()


def send(channel, text):
    peer = Peer()
    other = json.loads(channel.recv(4096))
    channel.send(json.dumps(peer.place()).encode())
    peer.befriend(other)
    receipts = 0

    def confirmed(*_):
        nonlocal receipts
        receipts += 1

    callback = ReadReceipt(confirmed)
    library.tox_callback_friend_read_receipt(peer.tox, callback)
    deadline = time.monotonic() + CONNECT_SECONDS
    while not peer.is_connected():
        if time.monotonic() > deadline:
            raise SystemExit(f"no connection after {CONNECT_SECONDS} s")
        peer.iterate()
        peer.pause()
    print("connected", flush=True)
    error = ctypes.c_int()
    while True:
        ready, _, _ = select.select([0], [], [], library.tox_iteration_interval(peer.tox) / 1000)
        if not ready:
            peer.iterate()
            continue
        line = os.read(0, 64)
        if line == b"":
            return
        count = int(line)
        receipts, sent, began = 0, 0, time.monotonic()
        last, moved_at = 0, began
        while receipts < count:
            while sent < count:
                library.tox_friend_send_message(peer.tox, peer.friend, 0, text, len(text), ctypes.byref(error))
                if error.value == SEND_QUEUE_FULL:
                    break
                if error.value != NO_ERROR:
                    raise SystemExit(f"toxcore takes no message: error {error.value}")
                sent += 1
            peer.iterate()
            if receipts == count:
                break
            if receipts != last:
                last, moved_at = receipts, time.monotonic()
            elif time.monotonic() - moved_at > STALL_SECONDS:
                raise SystemExit(f"{receipts} of {count} messages were confirmed, and then none")
            peer.pause()
        print(time.monotonic() - began, flush=True)


text = sys.argv[1].encode()
ours, theirs = socket.socketpair()
parent = os.getpid()
child = os.fork()
if child == 0:
    receive(theirs)
    os._exit(0)
try:
    send(ours, text)
finally:
    os.kill(child, 9)
    os.waitpid(child, 0)
