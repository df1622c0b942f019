package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
)

// The published examples whose behaviour at the end of a stream differs.
const (
	chatExample       = "chat"
	mdnsExample       = "mdns"
	rendezvousExample = "rendezvous"
)

// speaksLater holds for the two examples of the later protocol, which differ
// in how they find each other only.
func speaksLater(example string) bool {
	return example == mdnsExample || example == rendezvousExample
}

// conversation is the chat streams of this peer: every one is read, and the
// newest is written to. What is written before there is one waits for it.
type conversation struct {
	mutex  sync.Mutex
	newest network.Stream
	writer *bufio.Writer
	queued [][]byte

	example string
	// What an example's user types: each stream's writer takes what it gets.
	typed chan []byte
}

// More lines than a test types ahead.
const typedAhead = 1024

func newConversation(example string) *conversation {
	return &conversation{example: example, typed: make(chan []byte, typedAhead)}
}

// inOurManner frames lines as the example does: it reads a line together with
// its newline and then adds another, so an empty line follows each.
func inOurManner(lines ...string) []byte {
	var framed strings.Builder
	for _, line := range lines {
		framed.WriteString(line + "\n\n")
	}
	return []byte(framed.String())
}

func (c *conversation) adopt(stream network.Stream, direction string) {
	emit(event{Event: "stream", Direction: direction})
	if c.example != "" {
		go c.writeForEver(stream)
		go c.read(stream)
		return
	}
	c.mutex.Lock()
	c.newest = stream
	// Buffered as in the example, so that a long line leaves in several writes.
	c.writer = bufio.NewWriter(stream)
	waiting := c.queued
	c.queued = nil
	for _, bytes := range waiting {
		c.flush(bytes)
	}
	c.mutex.Unlock()
	go c.read(stream)
}

func (c *conversation) read(stream network.Stream) {
	reader := bufio.NewReader(stream)
	for {
		line, err := reader.ReadString('\n')
		if text := strings.TrimSuffix(line, "\n"); text != "" {
			emit(event{Event: "text", Text: &text})
		}
		if err != nil {
			c.ended(stream, err)
			return
		}
	}
}

// writeForEver is the examples' writer: that of chat does not look at what
// becomes of its writes, and those of the later protocol panic.
func (c *conversation) writeForEver(stream network.Stream) {
	writer := bufio.NewWriter(stream)
	for bytes := range c.typed {
		_, err := writer.Write(bytes)
		if err == nil {
			err = writer.Flush()
		}
		if err != nil && speaksLater(c.example) {
			panic(err)
		}
	}
}

func (c *conversation) ended(stream network.Stream, err error) {
	switch c.example {
	case chatExample:
		emit(event{Event: "closed"})
		return
	case mdnsExample, rendezvousExample:
		panic(err)
	}
	stream.Close()
	c.mutex.Lock()
	if c.newest == stream {
		c.newest = nil
	}
	c.mutex.Unlock()
	emit(event{Event: "closed"})
}

func (c *conversation) write(bytes []byte) {
	if c.example != "" {
		c.typed <- bytes
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.newest == nil {
		c.queued = append(c.queued, bytes)
		return
	}
	c.flush(bytes)
}

// flush needs the mutex and a stream.
func (c *conversation) flush(bytes []byte) {
	_, err := c.writer.Write(bytes)
	if err == nil {
		err = c.writer.Flush()
	}
	if err != nil {
		emit(event{Event: "error", Message: err.Error()})
	}
}

func (c *conversation) close() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.newest != nil {
		// The reader sees the end and reports it.
		c.newest.Close()
	}
}

// event is one line of standard output.
type event struct {
	Event     string  `json:"event"`
	Address   string  `json:"address,omitempty"`
	PeerID    string  `json:"peerId,omitempty"`
	Direction string  `json:"direction,omitempty"`
	Text      *string `json:"text,omitempty"`
	Message   string  `json:"message,omitempty"`
}

var (
	output      = json.NewEncoder(os.Stdout)
	outputMutex sync.Mutex
)

func emit(e event) {
	outputMutex.Lock()
	defer outputMutex.Unlock()
	// A reader that has gone away ends this program through standard input.
	_ = output.Encode(e)
}
