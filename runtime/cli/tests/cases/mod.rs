mod checks;
mod jobs;
mod managed;
mod refusals;
mod shown;
mod stopping;
