"""Stands between two network cards where the kernel has no netem: what comes on
one goes out on the other, later, and some of it never.

  slow-switch.py plain CARD
      the card sends what a cable carries: whole packets, with checksums
  slow-switch.py between CARD CARD DELAY JITTER LOSS SEED
      delay and what chance adds to it in milliseconds, loss in percent; "cut" and "repair" are lines of standard
      input, at whose end it ends
"""

import ctypes
import fcntl
import heapq
import random
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, _SSG, _STSO, _SGSO: else packets of 64 KiB and with half a checksum come through a virtual cable.
OFFLOADS = (0x17, 0x19, 0x1F, 0x24)
LONGEST_PACKET = 65536


def make_plain(card):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP16x", card.encode(), ctypes.addressof(value)))


def carry(first, second, delay, jitter, loss, seed):
    chance = random.Random(seed)
    cards = []
    for name in (first, second):
        card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        card.bind((name, 0))
        cards.append(card)
    under_way = []
    count = 0
    is_cut = False
    print("ready", flush=True)
    while True:
        wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        readable, _, _ = select.select([*cards, sys.stdin], [], [], wait)
        for source in readable:
            if source is sys.stdin:
                line = sys.stdin.readline()
                if line == "":
                    return
                is_cut = line.strip() == "cut"
                print("done", flush=True)
                continue
            packet, (_, _, kind, *_) = source.recvfrom(LONGEST_PACKET)
            if kind == socket.PACKET_OUTGOING or is_cut or chance.random() * 100 < loss:
                continue
            count += 1
            target = cards[1] if source is cards[0] else cards[0]
            due = time.monotonic() + (delay + chance.random() * jitter) / 1000
            heapq.heappush(under_way, (due, count, target, packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(under_way)
            if not is_cut:
                target.send(packet)


if sys.argv[1] == "plain":
    make_plain(sys.argv[2])
else:
    carry(sys.argv[2], sys.argv[3], *map(float, sys.argv[4:7]), int(sys.argv[7]))
