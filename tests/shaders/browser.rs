//! Gives every shader to the compiler of a browser. The browser, Chromium or one like it, is named by
//! `NEURALEARN_BROWSER`; it runs without a window and with WebGPU on its own software adapter. It gets the
//! page `browser.html` from a server in this process, and sends back what it found.

use super::{Form, operators, values};
use neuralearn::engine::shader::{KERNELS, Source};
use neuralearn::kernel::{Kernel, Place};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// For all shaders; a browser takes about 20 s on two cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the compilers of browsers refuse and naga does not.
const REFUSED: &str = "@compute @workgroup_size(1) fn main() { let x = 4u >> 1u & 1u; }";

#[test]
fn a_browser_takes_every_shader() {
    let browser = std::env::var("NEURALEARN_BROWSER").unwrap_or_default();
    if browser.is_empty() {
        // Past the capture of the test harness: a skip must be seen.
        let _ = writeln!(
            std::io::stderr(),
            "SKIP a browser takes every shader: NEURALEARN_BROWSER names no browser"
        );
        return;
    }
    assert_eq!(operators::faults(REFUSED).len(), 1);
    let mut shaders = vec![json!({"name": "refused", "text": REFUSED, "forms": [{}]})];
    let mut wanted = 0;
    for kernel in KERNELS {
        let forms = some_forms(kernel);
        wanted += forms.len();
        let text = Source::assemble(kernel).unwrap_or_else(|e| panic!("{e}")).text;
        shaders.push(json!({"name": kernel.name, "text": text, "forms": forms}));
    }
    let said = ask(&browser, Value::from(shaders).to_string());
    let mut faults = Vec::new();
    for fault in said["faults"].as_array().unwrap() {
        let kernel = KERNELS.iter().find(|kernel| fault["name"] == kernel.name);
        let place = kernel.and_then(|kernel| {
            Some(Source::assemble(kernel).ok()?.place(fault["line"].as_u64()? as usize))
        });
        let place = place.unwrap_or_else(|| fault["name"].to_string());
        faults.push(format!("{place}: {}", fault["message"].as_str().unwrap()));
    }
    // The one that must be refused shows that the others were looked at.
    let refused = faults.iter().position(|fault| fault.contains("requires parenthesis"));
    assert!(refused.is_some(), "{browser} does not refuse `{REFUSED}`: {faults:?}");
    faults.remove(refused.unwrap());
    assert!(faults.is_empty(), "{browser} refuses shaders:\n{}", faults.join("\n"));
    assert_eq!(said["pipelines"], wanted, "pipelines");
}

/// Forms of a kernel in which each value of each option occurs: a browser is too slow for each with each.
fn some_forms(kernel: &Kernel) -> Vec<Form> {
    let options = || kernel.params.iter().filter(|f| f.place == Place::Option).map(|f| f.name);
    let most = options().map(|name| values(name).len()).max().unwrap_or(1);
    let form = |k: usize| {
        let own = options().map(|name| (name.to_uppercase(), values(name)[k % values(name).len()]));
        own.chain([("WG".to_owned(), f64::from(kernel.workgroup))]).collect()
    };
    (0..most).map(form).collect()
}

/// What the page says about the shaders.
fn ask(browser: &str, shaders: String) -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let page = format!("http://{}/", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser opens connections that it may not use: none may hold up another.
            let (shaders, send) = (shaders.clone(), send.clone());
            std::thread::spawn(move || answer(stream, &shaders, &send));
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

/// Answers one request: the page, the shaders, or thanks for what was found.
fn answer(stream: TcpStream, shaders: &str, said: &Sender<String>) -> Option<()> {
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
        "/" => ("text/html", include_str!("browser.html")),
        "/shaders.json" => ("application/json", shaders),
        "/said" => ("text/plain", ""),
        _ => return None,
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", text.len());
    (&stream).write_all(format!("{head}Connection: close\r\n\r\n{text}").as_bytes()).ok()?;
    if request.starts_with("POST") {
        said.send(body).ok()?;
    }
    Some(())
}
