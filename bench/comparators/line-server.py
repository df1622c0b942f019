"""The server of the comparison: a line server on Twisted, as in the work that
Parley grew from. A client says a line; every other client is told it. Prints its
port. It keeps the clients and nothing else.
"""

from twisted.internet import protocol, reactor
from twisted.protocols import basic


class Client(basic.LineReceiver):
    delimiter = b"\n"

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)
        self.factory.clients.add(self)

    def connectionLost(self, reason=protocol.connectionDone):
        self.factory.clients.discard(self)

    def lineReceived(self, line):
        for client in self.factory.clients:
            if client is not self:
                client.sendLine(line)


class Server(protocol.Factory):
    protocol = Client

    def __init__(self):
        self.clients = set()


# More than the 50 of Twisted's default wait to be accepted when everybody comes at once.
port = reactor.listenTCP(0, Server(), backlog=1000, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
