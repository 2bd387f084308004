//! `semilayer-gateway`: reads the environment and the arguments, and does what they say.

use std::process::ExitCode;

use clap::Parser as _;
use semilayer_gateway::{Command, Environment, run};

#[tokio::main]
async fn main() -> ExitCode {
    let environment = Environment::new(std::env::vars_os());
    let command = Command::parse();
    run(command, &environment, &mut std::io::stdout(), &mut std::io::stderr()).await.into()
}
