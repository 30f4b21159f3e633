//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

/// What a number means for Prometheus.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// It only grows, except if it begins again at 0.
    Counter,
    Gauge,
}

/// Names of labels and their values.
type Labels<'a> = &'a [(&'a str, &'a str)];

/// The text so far.
#[derive(Debug, Default)]
pub(super) struct Metrics(String);

impl Metrics {
    /// Adds a metric: its heading, then a line for each sample.
    pub(super) fn add<'a, V: Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'a str, &'a str)>, V)>,
    ) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{} {value}", shown(&labels));
        }
    }

    /// Adds a metric with one number.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.add(name, kind, help, [(Vec::new(), value)]);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

fn shown(labels: Labels<'_>) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut metrics = Metrics::default();
        metrics.add("x", Kind::Gauge, "Help.", [(vec![("a", "b\"\\\n"), ("c", "d")], 1), (Vec::new(), 2)]);
        assert_eq!(metrics.into_text(), "# HELP x Help.\n# TYPE x gauge\nx{a=\"b\\\"\\\\\\n\",c=\"d\"} 1\nx 2\n");
    }
}
