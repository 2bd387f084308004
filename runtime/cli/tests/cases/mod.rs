mod checks;
mod jobs;
mod refusals;
mod shown;
mod stopping;
