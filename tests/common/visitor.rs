//! A browser that visits pages of a test. The browser, Chromium or one like it, is named by `NEURALEARN_BROWSER`; it
//! runs without a window and with WebGPU on its own software adapter. It gets the pages from a server in this process,
//! and sends back what it found, by POST to `said`.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// How long a browser may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Path, type and text of a file that is served.
pub type Served = (&'static str, &'static str, String);

/// The browser. Without one the test is skipped.
pub fn browser(test: &str) -> Option<String> {
    let browser = std::env::var("NEURALEARN_BROWSER").ok().filter(|browser| !browser.is_empty());
    if browser.is_none() {
        // Past the capture of the test harness: a skip must be seen.
        let _ = writeln!(std::io::stderr(), "SKIP {test}: NEURALEARN_BROWSER names no browser");
    }
    browser
}

/// What the page `/` says.
pub fn ask(browser: &str, files: Vec<Served>) -> Value {
    let files = Arc::new(files);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let page = format!("http://{}/", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser opens connections that it may not use: none may hold up another.
            let (files, send) = (Arc::clone(&files), send.clone());
            std::thread::spawn(move || answer(stream, &files, &send));
        }
    });
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        // Root, as in a container, has no sandbox.
        "--no-sandbox",
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]);
    command.arg(format!("--user-data-dir={}", profile.path().display())).arg(page);
    // What it leaves behind goes with the profile.
    command.env("TMPDIR", profile.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap_or_else(|e| panic!("{browser} does not start: {e}"));
    let running = Running(child);
    let said = receive.recv_timeout(PATIENCE);
    drop(running);
    serde_json::from_str(&said.unwrap_or_else(|_| panic!("{browser} says nothing"))).unwrap()
}

/// A process that ends with the test, whatever becomes of that.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers one request: a file, or thanks for what was found.
fn answer(stream: TcpStream, files: &[Served], said: &Sender<String>) -> Option<()> {
    let mut reader = BufReader::new(&stream);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body).ok()?;
    let (kind, text) = match request.split(' ').nth(1)? {
        "/said" => ("text/plain", ""),
        path => {
            files.iter().find(|file| file.0 == path).map(|(_, kind, text)| (*kind, &text[..]))?
        }
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", text.len());
    (&stream).write_all(format!("{head}Connection: close\r\n\r\n{text}").as_bytes()).ok()?;
    if request.starts_with("POST") {
        said.send(body).ok()?;
    }
    Some(())
}
