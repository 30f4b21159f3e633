//! Numbers of one kind, what stands for them, the table that they are shown in, and chance.

/// What was measured, in one unit.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(2)
    }

    /// What stands for counts too coarse for a median.
    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX))
    }

    /// The quartiles around the median, as the spread.
    pub(crate) fn spread(&self) -> String {
        format!("{:.0}-{:.0}", self.quantile(1), self.quantile(3))
    }

    /// A quartile; not a number where nothing was measured.
    pub(crate) fn quantile(&self, quarter: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get(sorted.len().saturating_sub(1) * quarter / 4).copied().unwrap_or(f64::NAN)
    }
}

/// How many times a floor something is.
pub(crate) fn ratio(of: f64, floor: f64) -> String {
    format!("{:.2}", of / floor)
}

/// Prints a table as Markdown. The first column is of words, the others of numbers.
pub(crate) fn print_table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or_default()
    };
    let line = |cells: Vec<&str>| {
        let cell = |(column, cell): (usize, &str)| match column {
            0 => format!("| {cell:<0$} |", width(0)),
            _ => format!(" {cell:>0$} |", width(column)),
        };
        println!("{}", cells.into_iter().enumerate().map(cell).collect::<String>());
    };
    println!("\n{title}\n");
    line(head.to_vec());
    let rule: String = (1..head.len()).map(|column| format!(" {}: |", "-".repeat(width(column) - 1))).collect();
    println!("| {} |{rule}", "-".repeat(width(0)));
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}

/// Chance with a seed (splitmix64), so that a run has the keys of the last one.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`, which is small beside 2^64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
            items.swap(last, usize::try_from(self.below(bound)).unwrap_or_default());
        }
    }
}
