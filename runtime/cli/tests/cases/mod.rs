mod checks;
mod connectors;
mod jobs;
mod managed;
mod policy;
mod refusals;
mod shown;
mod stopping;
