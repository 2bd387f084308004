//! A page of Markdown as things to do.

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// Write a file.
    File {
        /// Its path.
        path: String,
        /// What is in it.
        text: String,
    },
    /// Run commands, a line each.
    Commands(Vec<String>),
}

/// What stands before a block that is a file.
const FILE: &str = "<!-- file: ";
/// What a block of commands begins with.
const COMMANDS: &str = "```sh";

/// The steps of a page, in its order.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(path) = line.strip_prefix(FILE) {
            let path = path.trim_end_matches(" -->").to_owned();
            let fence = lines.next();
            assert!(fence.is_some_and(|fence| fence.starts_with("```")), "no block follows {line}");
            let text =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            steps.push(Step::File { path, text });
        } else if line == COMMANDS {
            steps.push(Step::Commands(
                lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect(),
            ));
        }
    }
    steps
}
