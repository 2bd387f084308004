mod checks;
mod connectors;
mod jobs;
mod managed;
mod refusals;
mod shown;
mod stopping;
