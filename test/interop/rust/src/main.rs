//! A circuit relay v2 as rust-libp2p makes one, for interoperability tests: its
//! defaults are left alone, also those of what it relays (two minutes, and 128 KiB,
//! for each circuit). One program runs it through JSON lines on standard output, and
//! ends its standard input when it is done. It knows nothing of Parley.
//!
//!     relay-peer relay [--lease SECONDSs]

use std::{error::Error, process::ExitCode, time::Duration};

use futures::StreamExt;
use libp2p::{
    Swarm, SwarmBuilder, identify, noise, ping, relay,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, stdin};

type Failure = Box<dyn Error + Send + Sync>;

#[derive(NetworkBehaviour)]
struct Behaviour {
    relay: relay::Behaviour,
    ping: ping::Behaviour,
    identify: identify::Behaviour,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", json!({ "event": "error", "message": error.to_string() }));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut swarm = relaying(lease(std::env::args().skip(1))?)?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let mut input = stdin();
    let mut ignored = [0; 1024];
    loop {
        tokio::select! {
            read = input.read(&mut ignored) => if read? == 0 { return Ok(()) },
            event = swarm.select_next_some() => if let SwarmEvent::NewListenAddr { address, .. } = event {
                // A reservation names the relay's external addresses: without one, its clients can use none.
                swarm.add_external_address(address.clone());
                let id = swarm.local_peer_id().to_string();
                println!("{}", json!({ "event": "listening", "address": format!("{address}/p2p/{id}"), "peerId": id }));
            },
        }
    }
}

/// How long a reservation holds that is not renewed; None leaves it to rust-libp2p: an hour.
fn lease(mut arguments: impl Iterator<Item = String>) -> Result<Option<Duration>, Failure> {
    const USAGE: &str = "usage: relay-peer relay [--lease SECONDSs]";
    if arguments.next().as_deref() != Some("relay") {
        return Err(USAGE.into());
    }
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(None),
        (Some("--lease"), Some(time)) => {
            let seconds = time.strip_suffix('s').ok_or(USAGE)?.parse().map_err(|_| USAGE)?;
            Ok(Some(Duration::from_secs(seconds)))
        }
        _ => Err(USAGE.into()),
    }
}

fn relaying(lease: Option<Duration>) -> Result<Swarm<Behaviour>, Failure> {
    let mut limits = relay::Config::default();
    if let Some(lease) = lease {
        limits.reservation_duration = lease;
    }
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| {
            let id = key.public().to_peer_id();
            Behaviour {
                relay: relay::Behaviour::new(id, limits),
                ping: ping::Behaviour::default(),
                identify: identify::Behaviour::new(identify::Config::new("/ipfs/0.1.0".into(), key.public())),
            }
        })?
        .build();
    Ok(swarm)
}
