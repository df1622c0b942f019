package main

import (
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
)

// serveRelay lets others reach each other through this node, within the limits
// that go-libp2p has for each circuit: two minutes, and 128 KiB each way.
//
// A lease of 0 leaves go-libp2p's own: an hour.
func serveRelay(node host.Host, lease time.Duration) error {
	resources := relay.DefaultResources()
	if lease > 0 {
		resources.ReservationTTL = lease
	}
	_, err := relay.New(node, relay.WithResources(resources))
	return err
}
