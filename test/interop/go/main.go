// Command chat-peer is a go-libp2p chat peer for interoperability tests, in the
// manner of the chat example that go-libp2p publishes: protocol /chat/1.0.0,
// lines of text. One program runs it through JSON lines on standard input and
// output; it knows nothing of Parley, and leaves libp2p's defaults alone
// (identify runs, and TLS is offered before Noise).
//
//	chat-peer listen [--key rsa|ed25519] [--example chat|mdns|rendezvous]
//	chat-peer dial MULTIADDR [--key rsa|ed25519] [--example chat|mdns|rendezvous]
//	chat-peer relay [--key rsa|ed25519] [--lease TIME]
//
// A relay serves no chat: it is a circuit relay v2 as go-libp2p makes one.
//
// With --example it does what the published example of that name does when a
// stream ends, and writes as that does: chat goes on, and the goroutine that
// writes to the stream goes on too and takes its share of the lines; mdns and
// rendezvous, which are chat-with-mdns and chat-with-rendezvous, panic. Those
// two speak /chat/1.1.0, and serve it also when they have dialled.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
)

const (
	chatProtocol = "/chat/1.0.0"

	// What chat-with-mdns and chat-with-rendezvous speak, in the same manner.
	laterChatProtocol = "/chat/1.1.0"

	// The example generates RSA keys of this size.
	rsaKeyBits = 2048

	// Long enough for two cores that are busy with other peers of a test.
	dialTimeout = 20 * time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		emit(event{Event: "error", Message: err.Error()})
		os.Exit(1)
	}
}

func run(arguments []string) error {
	wanted, err := parseArguments(arguments)
	if err != nil {
		return err
	}
	node, err := startNode(wanted.keyType)
	if err != nil {
		return err
	}
	defer node.Close()

	chat := newConversation(wanted.example)
	protocolID := protocol.ID(chatProtocol)
	isLater := speaksLater(wanted.example)
	if isLater {
		protocolID = laterChatProtocol
	}
	// A dialer of the chat example serves no chat protocol of its own: the
	// other side can only answer on the stream that is opened here.
	if wanted.mode == "listen" || isLater {
		node.SetStreamHandler(protocolID, func(stream network.Stream) { chat.adopt(stream, "inbound") })
	}
	if wanted.mode == "relay" {
		if err := serveRelay(node, wanted.lease); err != nil {
			return err
		}
	}
	announce(node)
	if wanted.mode == "dial" {
		stream, err := openStream(node, wanted.destination, protocolID)
		if err != nil {
			return err
		}
		chat.adopt(stream, "outbound")
	}
	return obey(os.Stdin, chat)
}

// settings is what the command line asks for.
type settings struct {
	mode, destination, keyType, example string

	// Of a relay: how long it keeps a reservation; 0 leaves it to go-libp2p.
	lease time.Duration
}

func parseArguments(arguments []string) (settings, error) {
	usage := errors.New("usage: chat-peer listen | dial MULTIADDR | relay [--lease TIME]  [--key rsa|ed25519] [--example chat|mdns|rendezvous]")
	if len(arguments) == 0 {
		return settings{}, usage
	}
	wanted := settings{mode: arguments[0]}
	rest := arguments[1:]
	switch {
	case wanted.mode == "listen", wanted.mode == "relay":
	case wanted.mode == "dial" && len(rest) > 0:
		wanted.destination, rest = rest[0], rest[1:]
	default:
		return settings{}, usage
	}
	flags := flag.NewFlagSet(wanted.mode, flag.ContinueOnError)
	flags.StringVar(&wanted.keyType, "key", "rsa", "type of the identity key: rsa (as in the example) or ed25519")
	flags.StringVar(&wanted.example, "example", "", "the published example to be like when a stream ends: chat, mdns or rendezvous")
	flags.DurationVar(&wanted.lease, "lease", 0, "of a relay: how long it keeps a reservation that is not renewed")
	if err := flags.Parse(rest); err != nil {
		return settings{}, err
	}
	switch wanted.example {
	case "", chatExample, mdnsExample, rendezvousExample:
		return wanted, nil
	default:
		return settings{}, usage
	}
}

func startNode(keyType string) (host.Host, error) {
	key, err := generateKey(keyType)
	if err != nil {
		return nil, err
	}
	return libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Identity(key))
}

func generateKey(keyType string) (crypto.PrivKey, error) {
	switch keyType {
	case "rsa":
		key, _, err := crypto.GenerateKeyPairWithReader(crypto.RSA, rsaKeyBits, rand.Reader)
		return key, err
	case "ed25519":
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		return key, err
	default:
		return nil, fmt.Errorf("unknown key type %q: it is rsa or ed25519", keyType)
	}
}

func announce(node host.Host) {
	for _, address := range node.Network().ListenAddresses() {
		// Relay support, on by default, lists /p2p-circuit as an address too.
		if _, err := address.ValueForProtocol(multiaddr.P_TCP); err == nil {
			emit(event{
				Event:   "listening",
				Address: fmt.Sprintf("%s/p2p/%s", address, node.ID()),
				PeerID:  node.ID().String(),
			})
			return
		}
	}
}

func openStream(node host.Host, destination string, protocolID protocol.ID) (network.Stream, error) {
	target, err := peer.AddrInfoFromString(destination)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if err := node.Connect(ctx, *target); err != nil {
		return nil, err
	}
	return node.NewStream(ctx, target.ID, protocolID)
}

// command is one line of standard input; exactly one field is set.
type command struct {
	Send     *string  `json:"send"`
	SendMany []string `json:"sendMany"`
	Raw      *string  `json:"raw"`
	Close    bool     `json:"close"`
}

// obey carries out commands until the input ends.
func obey(input io.Reader, chat *conversation) error {
	reader := bufio.NewReader(input)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var wanted command
		if err := json.Unmarshal(line, &wanted); err != nil {
			return fmt.Errorf("not a command: %w", err)
		}
		switch {
		case wanted.Send != nil:
			chat.write(inOurManner(*wanted.Send))
		case wanted.SendMany != nil:
			chat.write(inOurManner(wanted.SendMany...))
		case wanted.Raw != nil:
			bytes, err := base64.StdEncoding.DecodeString(*wanted.Raw)
			if err != nil {
				return fmt.Errorf("raw is not base64: %w", err)
			}
			chat.write(bytes)
		case wanted.Close:
			chat.close()
		}
	}
}
