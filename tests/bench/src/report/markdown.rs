//! The report as text.

use std::fmt::Write;

use super::{Report, Section};
use crate::figure::{Figure, Target};
use crate::statistics::grouped;

/// A share of the machine above which a ratio says more about its neighbours.
const STOLEN_NOTABLE: f64 = 0.02;

/// The whole report.
pub(super) fn report(report: &Report) -> String {
    let mut text = String::from("# Figures\n\n");
    let machine = &report.machine;
    // Writing to a String cannot fail, here and below.
    let _ok = writeln!(
        text,
        "{}, {} cores shared by server, runner and gateway, {} MiB, Linux {}, {}. {:.0} s{}.\n",
        machine.processor,
        machine.cores,
        machine.memory_mib,
        machine.kernel,
        machine.server,
        report.seconds,
        if report.quick { ", **a smoke run: small tables, figures are noise**" } else { "" },
    );
    text.push_str(&summary(report));
    text.push_str("\n## Conditions\n\n| measurement | load at its start | cores used, by anyone | taken by the hypervisor |\n|---|---|---|---|\n");
    for section in &report.sections {
        let Section { name, load, busy, stolen, .. } = section;
        let _ok = writeln!(text, "| {name} | {load:.1} | {:.0} % | {:.0} % |", busy * 100.0, stolen * 100.0);
    }
    let _ok = write!(
        text,
        "\nThe runner's statements, which the floors run too:\n\n```sql\n{}\n{}\n```\n",
        report.whole_table, report.by_key
    );
    text
}

/// Every figure, then what falls short.
pub(super) fn summary(report: &Report) -> String {
    let mut text = String::from("| figure | value | target | | behind it |\n|---|---|---|---|---|\n");
    for figure in report.figures() {
        let _ok = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            figure.what,
            value(figure.value, figure.unit),
            target(figure),
            verdict(figure),
            figure.note
        );
    }
    let errors = report.sections.iter().filter_map(|section| Some((&section.name, section.error.as_ref()?)));
    for (name, error) in errors {
        let _ok = write!(text, "\nNot measured: {name}: {error}\n");
    }
    let missed: Vec<&Figure> = report.figures().filter(|figure| figure.misses()).collect();
    if missed.is_empty() {
        text.push_str("\nEvery target that was measured holds.\n");
        return text;
    }
    text.push_str("\nShort of the target:\n\n");
    for figure in missed {
        let _ok = writeln!(
            text,
            "- {}: {} instead of {}. {}",
            figure.what,
            value(figure.value, figure.unit),
            target(figure),
            figure.hint
        );
    }
    let stolen = report.sections.iter().map(|section| section.stolen).fold(0.0, f64::max);
    if stolen > STOLEN_NOTABLE {
        let _ok = writeln!(
            text,
            "\nThe hypervisor took up to {:.0} % of the machine meanwhile; run again before believing a miss.",
            stolen * 100.0
        );
    }
    text
}

fn value(value: f64, unit: &str) -> String {
    let number = match value.abs() {
        large if large >= 1_000.0 => grouped(value),
        medium if medium >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

fn target(figure: &Figure) -> String {
    let bound = match figure.target {
        None => return String::new(),
        Some(Target::AtLeast(bound)) => format!("≥ {bound}"),
        Some(Target::AtMost(bound)) => format!("≤ {bound}"),
    };
    let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
    format!("{bound}{unit}{}", if figure.gates { ", gates" } else { "" })
}

fn verdict(figure: &Figure) -> &'static str {
    match (figure.target, figure.misses()) {
        (None, _) => "",
        (Some(_), false) => "holds",
        (Some(_), true) => "**short**",
    }
}
