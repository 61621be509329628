//! A person with a browser: Chromium, driven by `e2e/browser/person.mjs`, one cookie jar.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::foreign::runtime_program;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/browser/person.mjs");
const NODE: &str = "CLAVIGER_TEST_NODE";
const CHROMIUM: &str = "CLAVIGER_TEST_CHROMIUM";
const TIMEOUT: Duration = Duration::from_secs(120);

/// Somebody who signs in where asked and allows what is asked.
pub(crate) struct Person {
    talk: Talk,
}

impl Person {
    /// Somebody with this email and password, whose browser has no JavaScript.
    pub(crate) async fn new(email: &str, password: &str) -> Self {
        let mut talk = Talk::start(NODE, PROGRAM);
        let chromium = runtime_program(CHROMIUM);
        let chromium = chromium.to_str().unwrap();
        talk.say(&json!({"email": email, "password": password, "chromium": chromium}))
            .await;
        Self { talk }
    }

    /// Follows an authorization request until the browser is sent to `until`; to where exactly.
    pub(crate) async fn allow(&mut self, url: &str, until: &str) -> String {
        let answer = self.wish(&json!({"open": url, "until": until})).await;
        answer["at"].as_str().unwrap().to_owned()
    }

    /// Goes to a page and presses buttons and links; what there is to see.
    pub(crate) async fn visit(&mut self, url: &str, press: &[&str]) -> Seen {
        let answer = self.wish(&json!({"visit": url, "press": press})).await;
        let headings = answer["headings"].as_array().unwrap().iter();
        Seen {
            headings: headings
                .map(|text| text.as_str().unwrap().to_owned())
                .collect(),
            text: answer["text"].as_str().unwrap().to_owned(),
        }
    }

    async fn wish(&mut self, wish: &Value) -> Value {
        self.talk.say(wish).await;
        self.talk.hear().await
    }
}

/// What a person saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The heading of each page on the way.
    pub(crate) headings: Vec<String>,
    /// What stands on the last one.
    pub(crate) text: String,
}

/// A program that is spoken with in lines of JSON.
pub(crate) struct Talk {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    /// Starts a program in the runtime that the variable names.
    pub(crate) fn start(runtime: &str, program: &str) -> Self {
        let mut child = Command::new(runtime_program(runtime))
            .arg(program)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            input,
            output,
        }
    }

    /// Sends a line.
    pub(crate) async fn say(&mut self, line: &Value) {
        // A program that failed reads nothing; what it says is read next.
        let _ = self.input.write_all(format!("{line}\n").as_bytes()).await;
    }

    /// The next line.
    pub(crate) async fn hear(&mut self) -> Value {
        let line = tokio::time::timeout(TIMEOUT, self.output.next_line()).await;
        let Some(line) = line.expect("a line in time").unwrap() else {
            let mut said = String::new();
            let mut stderr = self.child.stderr.take().unwrap();
            stderr.read_to_string(&mut said).await.unwrap();
            panic!("it ended: {said}");
        };
        serde_json::from_str(&line).unwrap()
    }
}
