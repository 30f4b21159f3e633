//! Pairs: each thing is done right before or right after its floor, so that both meet the same load.

use super::Outcome;
use super::interrupt;
use super::runs::Run;
use super::samples::{Random, Samples, print_table};

/// What one thing cost.
#[derive(Default)]
struct Cost {
    wall: Samples,
    processor: Samples,
    /// The wall time, as a multiple of that of the floor beside it.
    ratio: Samples,
}

impl Cost {
    fn row(&self, name: &str) -> Vec<String> {
        let milliseconds = |samples: &Samples| format!("{:.0}", samples.median() * 1e3);
        let ratio = format!("{:.2}", self.ratio.median());
        let spread = format!("{:.2}-{:.2}", self.ratio.quantile(1), self.ratio.quantile(3));
        vec![name.to_owned(), milliseconds(&self.wall), ratio, spread, milliseconds(&self.processor)]
    }
}

/// Does everything so many times, and prints what it cost.
pub(crate) fn measure(title: &str, floor: &mut Run<'_>, runs: &mut [Run<'_>], rounds: usize) -> Outcome {
    let (mut random, mut floors) = (Random(7), Cost::default());
    let mut costs: Vec<Cost> = runs.iter().map(|_| Cost::default()).collect();
    // The files that all read are then in memory.
    floor.once()?;
    let before = load()?;
    for _ in 0..rounds {
        let mut pairs: Vec<_> = runs.iter_mut().zip(&mut costs).collect();
        random.shuffle(&mut pairs);
        for (run, cost) in pairs {
            interrupt::check()?;
            let is_first = random.below(2) == 0;
            let early = if is_first { Some(run.once()?) } else { None };
            let (wall_of_floor, processor_of_floor, _) = floor.once()?;
            let (wall, processor, _) = match early {
                Some(early) => early,
                None => run.once()?,
            };
            floors.wall.push(wall_of_floor);
            floors.processor.push(processor_of_floor);
            floors.ratio.push(1.0);
            cost.wall.push(wall);
            cost.processor.push(processor);
            cost.ratio.push(wall / wall_of_floor);
        }
    }
    let title = format!("{title} ({rounds} pairs each, load {before} before and {} behind)", load()?);
    let rows: Vec<_> = runs.iter().zip(&costs).map(|(run, cost)| cost.row(&run.name)).collect();
    let head = ["", "wall ms", &format!("x {}", floor.name), "quartiles", "CPU ms"];
    print_table(&title, &head, &[vec![floors.row(&floor.name)], rows].concat());
    Ok(())
}

/// The load of the last minute.
fn load() -> Outcome<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}
