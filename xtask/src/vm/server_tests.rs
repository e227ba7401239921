// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the traffic server, spoken to over real sockets.

use super::*;

const WAIT: Duration = Duration::from_secs(10);

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream
}

fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

/// Sends the request and returns everything up to the end of the stream.
fn exchange(server: &Server, request: &[u8], own_digest: Option<&str>) -> Vec<u8> {
    let mut stream = connect(server);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    if let Some(digest) = own_digest {
        stream.write_all(digest.as_bytes()).unwrap();
    }
    answer
}

#[test]
fn down_sends_the_bytes_and_their_digest() {
    let server = Server::start(7).unwrap();
    let mut all = Vec::new();
    for bytes in [0_usize, 1, 100_000, 1 << 20] {
        let answer = exchange(&server, format!("DOWN {bytes}\n").as_bytes(), None);
        assert_eq!(answer.len(), bytes + 64);
        let (data, digest) = answer.split_at(bytes);
        assert_eq!(digest, sha256(data).as_bytes());
        all = data.to_vec();
    }
    // Deterministic, and not a constant.
    let again = exchange(&Server::start(7).unwrap(), b"DOWN 1048576\n", None);
    assert_eq!(again[..all.len()], all);
    let other = exchange(&Server::start(8).unwrap(), b"DOWN 1048576\n", None);
    assert_ne!(other[..all.len()], all);
    let transfers = server.transfers(WAIT);
    assert_eq!(transfers.len(), 4);
    assert!(transfers.iter().all(Transfer::is_good), "{transfers:?}");
}

#[test]
fn up_answers_with_the_digest_of_what_arrived() {
    let server = Server::start(1).unwrap();
    let data: Vec<u8> = (0..300_000_u32)
        .map(|number| number.to_le_bytes()[0])
        .collect();
    let mut request = b"UP 300000\n".to_vec();
    request.extend(&data);
    let digest = sha256(&data);
    assert_eq!(
        exchange(&server, &request, Some(&digest)),
        digest.as_bytes()
    );
    let transfers = server.transfers(WAIT);
    assert_eq!(transfers[0].direction, Direction::Up);
    assert_eq!(transfers[0].client_digest.as_ref(), Some(&digest));
    assert!(transfers[0].is_good());
}

#[test]
fn a_client_that_disagrees_is_noticed() {
    let server = Server::start(1).unwrap();
    exchange(&server, b"DOWN 10\n", Some(&sha256(b"something else")));
    exchange(&server, b"DOWN 10\n", Some("0123"));
    let transfers = server.transfers(WAIT);
    assert_eq!(transfers.len(), 2);
    assert!(!transfers.iter().any(Transfer::is_good), "{transfers:?}");
}

#[test]
fn early_close_and_nonsense_do_no_harm() {
    let server = Server::start(1).unwrap();
    drop(connect(&server));
    for request in [
        &b"HELLO\n"[..],
        b"DOWN many\n",
        b"DOWN 99999999999\n",
        b"UP -1\n",
        b"\xFF\xFE\n",
    ] {
        assert!(exchange(&server, request, None).is_empty());
    }
    // A line without an end.
    let mut stream = connect(&server);
    stream.write_all(&[b'x'; LINE_MAX + 1]).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
    // A client that stops in the middle, either way.
    let mut stream = connect(&server);
    stream.write_all(b"UP 1000\nabc").unwrap();
    drop(stream);
    let mut stream = connect(&server);
    stream.write_all(b"DOWN 100000000\n").unwrap();
    stream.read_exact(&mut [0; 10]).unwrap();
    drop(stream);
    let transfers = server.transfers(WAIT);
    assert_eq!(transfers.len(), 2, "{transfers:?}");
    assert!(transfers.iter().all(|transfer| !transfer.is_good()));
    // And it still serves.
    assert_eq!(exchange(&server, b"DOWN 5\n", None).len(), 69);
}

#[test]
fn drop_ends_open_connections() {
    let server = Server::start(1).unwrap();
    let mut stream = connect(&server);
    stream.write_all(b"UP 1000\nabc").unwrap();
    drop(server);
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
}
