//! From a component to machine code, in a process of its own: compiling takes memory that this process would keep, and
//! seconds that its jobs would feel, and a module that was made to be hard on the compiler is hard on nobody else.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;
use wasmtime::{Engine, InstanceAllocationStrategy};

use crate::engine::engine_config;
use crate::module::{MAX_MODULE_BYTES, Refused};

/// How long compiling may take: a Python interpreter takes half a minute on a slow machine with one core.
const TIME: Duration = Duration::from_secs(300);
/// Processor time that it may take, in seconds.
const PROCESSOR_SECONDS: u64 = 240;
/// Memory that it may take: a Python interpreter takes a tenth.
const MEMORY: u64 = 4 * 1024 * 1024 * 1024;
/// Files that it may have open; it opens none by itself.
const OPEN_FILES: u64 = 64;
/// How much it gives way to what else runs here.
const NICENESS: i32 = 10;
/// The largest machine code that is taken: several times the largest module.
const MAX_CODE_BYTES: u64 = 4 * MAX_MODULE_BYTES;
/// What is kept of its complaints.
const MAX_COMPLAINT_BYTES: u64 = 4 * 1024;

/// What makes machine code of a component.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This program, which calls [`compile_for_parent`] when it is started so. Gets no environment.
    Child {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
    },
    /// This process: for a command that does nothing else.
    Here,
}

impl Compiler {
    /// Writes machine code of a component, for [`engine_config`], to a file: there may be much of it.
    ///
    /// # Errors
    /// [`Refused::Compile`] and [`Refused::CompileTime`].
    pub(super) async fn compile(&self, component: Vec<u8>, into: File) -> Result<(), Refused> {
        match self {
            Compiler::Child { program, arguments } => {
                let mut command = Command::new(program);
                command.args(arguments).env_clear().kill_on_drop(true);
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                // Dropped, and the child with it, when the time is over.
                timeout(TIME, in_child(command, component, into))
                    .await
                    .unwrap_or(Err(Refused::CompileTime(TIME)))
            }
            Compiler::Here => {
                let compiling = tokio::task::spawn_blocking(move || {
                    let code = compile(&component)?;
                    (&into).write_all(&code).map_err(|error| unkept(&error))
                });
                compiling.await.unwrap_or_else(|_| Err(Refused::Compile("the compiler broke".to_owned())))
            }
        }
    }
}

fn unkept(error: &io::Error) -> Refused {
    Refused::Compile(format!("the machine code cannot be written: {error}"))
}

async fn in_child(mut command: Command, component: Vec<u8>, into: File) -> Result<(), Refused> {
    let failed =
        |what: &str, error: io::Error| Refused::Compile(format!("the compiler's process {what}: {error}"));
    let mut child = command.spawn().map_err(|error| failed("cannot be started", error))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(Refused::Compile("the compiler's process has no pipes".to_owned()));
    };
    let write = async move {
        // A child that ends early says why itself.
        let _written = stdin.write_all(&component).await;
    };
    let ((), written, complaint) = tokio::join!(write, keep(stdout, into), beginning(stderr));
    let status = child.wait().await.map_err(|error| failed("is lost", error))?;
    if status.success() {
        return written;
    }
    Err(Refused::Compile(reason(status, &complaint)))
}

/// Writes everything to the file. More than there may be is an error, and closes the pipe, which ends the child.
async fn keep(pipe: impl AsyncRead + Unpin, into: File) -> Result<(), Refused> {
    let mut into = tokio::fs::File::from_std(into);
    let copying = tokio::io::copy(&mut pipe.take(MAX_CODE_BYTES + 1), &mut into).await;
    let bytes = copying.map_err(|error| unkept(&error))?;
    into.flush().await.map_err(|error| unkept(&error))?;
    if bytes > MAX_CODE_BYTES {
        return Err(Refused::Compile(format!("its machine code is larger than {MAX_CODE_BYTES} bytes")));
    }
    Ok(())
}

/// The beginning of what is written there; the rest is read and dropped, so that whoever writes it comes to an end.
async fn beginning(mut pipe: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _read = (&mut pipe).take(MAX_COMPLAINT_BYTES).read_to_end(&mut bytes).await;
    let _dropped = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    bytes
}

fn reason(status: ExitStatus, complaint: &[u8]) -> String {
    use std::os::unix::process::ExitStatusExt;
    let complaint = String::from_utf8_lossy(complaint);
    // The module's own names may be in it.
    let text: String = complaint.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match status.signal() {
        Some(signal) => {
            format!(
                "the compiler's process was ended by signal {signal}; it may use {} GiB of memory and {PROCESSOR_SECONDS} s of processor time",
                MEMORY >> 30
            )
        }
        None if text.is_empty() => format!("the compiler's process ended with {status}"),
        None => text,
    }
}

/// Machine code of a component, made in this process.
fn compile(component: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut config = engine_config();
    // Nothing runs here, so no addresses are reserved for it; machine code is the same.
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    let wrong = |error: wasmtime::Error| Refused::Compile(format!("{error:#}"));
    Engine::new(&config).map_err(wrong)?.precompile_component(component).map_err(wrong)
}

/// The child's side of [`Compiler::Child`]: takes a component from `input` and writes its machine code to `output`. Bounds
/// itself first, so that nothing in the component can do harm by being compiled.
///
/// # Errors
/// What the parent shows: the limits cannot be set, the component cannot be read, compiled or written.
pub fn compile_for_parent(input: impl Read, mut output: impl Write) -> Result<(), String> {
    for (resource, most) in [
        (Resource::Data, MEMORY),
        (Resource::Cpu, PROCESSOR_SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, OPEN_FILES),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("a limit cannot be set: {error}"))?;
    }
    // Nothing that it could start gets rights that it does not have (prctl(2)).
    rustix::thread::set_no_new_privs(true).map_err(|error| format!("rights cannot be given up: {error}"))?;
    // Where that is not allowed it is only less polite.
    let _niceness = rustix::process::nice(NICENESS);
    let mut component = Vec::new();
    let read = input.take(MAX_MODULE_BYTES + 1).read_to_end(&mut component);
    read.map_err(|error| format!("the component cannot be read: {error}"))?;
    if u64::try_from(component.len()).map_or(true, |length| length > MAX_MODULE_BYTES) {
        return Err(format!("the component is larger than {MAX_MODULE_BYTES} bytes"));
    }
    let code = compile(&component).map_err(|refused| match refused {
        Refused::Compile(problem) => problem,
        other => other.to_string(),
    })?;
    output
        .write_all(&code)
        .and_then(|()| output.flush())
        .map_err(|error| format!("the code cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom};

    fn child(script: &str) -> Compiler {
        Compiler::Child { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    /// What the compiler writes to the file.
    async fn code(compiler: &Compiler, component: Vec<u8>) -> Result<Vec<u8>, Refused> {
        let mut file = tempfile::tempfile().unwrap();
        compiler.compile(component, file.try_clone().unwrap()).await?;
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut code = Vec::new();
        file.read_to_end(&mut code).unwrap();
        Ok(code)
    }

    async fn problem(script: &str) -> String {
        code(&child(script), b"component".to_vec()).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_childs_output_is_the_code_and_its_complaint_the_reason() {
        assert_eq!(code(&child("cat"), b"component".to_vec()).await.unwrap(), b"component");
        // Larger than a pipe, written by a child that reads nothing.
        let large = vec![7; 1024 * 1024];
        assert_eq!(code(&child("echo code"), large.clone()).await.unwrap(), b"code\n");
        assert_eq!(code(&child("cat"), large.clone()).await.unwrap(), large);
        let found = problem("cat > /dev/null; printf 'bad \\033[2J opcode\\n' >&2; exit 1").await;
        assert_eq!(found, "it cannot be compiled: bad  [2J opcode");
        assert!(problem("exit 3").await.contains("3"));
        assert!(problem("kill -9 $$").await.contains("signal 9"));
        let absent = Compiler::Child { program: "/nonexistent".into(), arguments: Vec::new() };
        assert!(code(&absent, Vec::new()).await.unwrap_err().to_string().contains("cannot be started"));
    }

    #[tokio::test]
    async fn a_long_complaint_is_shown_from_its_beginning() {
        let found =
            problem("printf 'bad opcode ' >&2; head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1").await;
        assert!(found.starts_with("it cannot be compiled: bad opcode xxx"), "{found}");
        assert!(found.len() < 5_000, "{} bytes", found.len());
    }

    #[tokio::test]
    async fn a_child_has_no_environment() {
        let code =
            code(&child("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=; true"), Vec::new()).await;
        assert_eq!(String::from_utf8(code.unwrap()).unwrap(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_that_does_not_end_is_ended() {
        let refused = code(&child("sleep 1000"), Vec::new()).await.unwrap_err();
        assert_eq!(refused.code(), "compile_time");
    }

    #[tokio::test]
    async fn what_does_not_compile_says_why() {
        let refused = code(&Compiler::Here, b"\0asm\x0d\0\x01\0\x01".to_vec()).await.unwrap_err();
        assert_eq!(refused.code(), "compile");
    }
}
