// serve ADDRESS FILE: serves the file, a thread a connection. fetch HOST:PORT...: says of each what came, or why nothing.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

fn answer(mut peer: TcpStream, data: &[u8]) -> std::io::Result<()> {
    let mut asked = Vec::new();
    let mut octets = [0; 4096];
    while !asked.windows(4).any(|four| four == b"\r\n\r\n") {
        match peer.read(&mut octets)? {
            0 => return Ok(()),
            count => asked.extend_from_slice(&octets[..count]),
        }
    }
    write!(peer, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", data.len())?;
    peer.write_all(data)
}

fn serve(address: &str, path: &str) -> std::io::Result<()> {
    let data = Arc::new(std::fs::read(path)?);
    let listener = TcpListener::bind(address)?;
    for peer in listener.incoming() {
        let (peer, data) = (peer?, data.clone());
        std::thread::spawn(move || answer(peer, &data));
    }
    Ok(())
}

fn fetch(address: &str) -> std::io::Result<usize> {
    let mut server = TcpStream::connect(address)?;
    server.write_all(b"GET /data HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0);
    Ok(answer.len() - head - 4)
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words[1] == "fetch" {
        for address in &words[2..] {
            match fetch(address) {
                Ok(count) => println!("{count}"),
                Err(error) => println!("{error}"),
            }
        }
    } else if let Err(error) = serve(&words[2], &words[3]) {
        println!("{error}");
        std::process::exit(1);
    }
}
