//! Distributions within bounds: what lies outside is drawn again, so enough must lie within.

use crate::grammar::{Judge, Rule};
use crate::rng::Stream;

/// Part of a bounded normal distribution that must lie within its bounds, so that few draws are in
/// vain.
const LEAST_MASS: f64 = 0.01;

/// Times that a bounded normal number is drawn before it is put on its bound. The check sees to it that a hundredth of all
/// draws lie within, so this is not to happen.
const REDRAWS: u64 = 10_000;

/// Logarithmic mean and deviation of a log-normal distribution with this mean and deviation.
pub fn logarithmic(mean: f64, std: f64) -> (f64, f64) {
    let variance = (std / mean).powi(2).ln_1p();
    (mean.ln() - variance / 2.0, variance.sqrt())
}

/// Point `k` of `count` evenly spaced ones; the ends are exact.
pub fn evenly((from, to): (f64, f64), k: usize, count: usize) -> f64 {
    let last = count.saturating_sub(1).max(1) as f64;
    from * ((last - k as f64) / last) + to * (k as f64 / last)
}

/// A normal number within bounds.
pub fn normal_within(
    stream: &Stream,
    (entity, draw): (u64, u64),
    (mean, std): (f64, f64),
    (low, high): (f64, f64),
) -> f64 {
    let mut value = mean;
    for attempt in 0..REDRAWS {
        // Entities are counted in 32 bits; the attempt is above them.
        value = mean + std * stream.normal(entity | attempt << 32, draw);
        if (low..=high).contains(&value) {
            return value;
        }
    }
    value.clamp(low, high)
}

/// Judges whether a normal distribution that is drawn from until the draw lies within bounds often does so.
pub fn check_normal(
    path: &str,
    unit: &str,
    (mean, std): (f64, f64),
    (low, high): (f64, f64),
    judge: &mut dyn Judge,
) {
    if low >= high {
        let message = format!("{low} {unit}, the least, is not below {high} {unit}, the most");
        judge.fault_with_help(format!("{path}.max"), message, "raise `max` or lower `min`");
        return;
    }
    if Rule::NotNegative.broken(std).is_some() {
        return;
    }
    let mass = normal_mass((low - mean) / std, (high - mean) / std);
    let inside = if std > 0.0 { mass >= LEAST_MASS } else { (low..=high).contains(&mean) };
    if !inside {
        let message = format!(
            "a normal distribution of mean {mean} {unit} and deviation {std} {unit} hardly \
             ever lies between {low} and {high} {unit}"
        );
        let help = "at least 1 % must: move `mean`, `min` or `max`, or use `Uniform`";
        judge.fault_with_help(path, message, help);
    }
}

/// The same of a distribution whose logarithm is normal.
pub fn check_log_normal(
    path: &str,
    unit: &str,
    (mean, std): (f64, f64),
    (low, high): (f64, f64),
    judge: &mut dyn Judge,
) {
    if low >= high {
        let message = format!("{low} {unit}, the least, is not below {high} {unit}, the most");
        judge.fault_with_help(format!("{path}.max"), message, "raise `max` or lower `min`");
        return;
    }
    if Rule::Positive.broken(mean).is_some() || Rule::NotNegative.broken(std).is_some() {
        return;
    }
    let variance = (std / mean).powi(2).ln_1p();
    let level = |x: f64| (x.ln() - mean.ln() + variance / 2.0) / variance.sqrt();
    let inside = match std > 0.0 {
        true => normal_mass(level(low), level(high)) >= LEAST_MASS,
        false => (low..=high).contains(&mean),
    };
    if !inside {
        let message = format!(
            "a log-normal distribution of mean {mean} {unit} and deviation {std} {unit} hardly ever lies between \
             {low} and {high} {unit}"
        );
        let help = "at least 1 % must: move `mean`, `min` or `max`, or use `Uniform`";
        judge.fault_with_help(path, message, help);
    }
}

/// Judges whether bounds ascend.
pub fn check_ordered(path: &str, low: f64, high: f64, judge: &mut dyn Judge) {
    if low > high {
        let message = format!("the lower bound, {low}, is above the upper bound, {high}");
        judge.fault(format!("{path}.low"), message);
    }
}

/// Probability that a standard normal number lies between `low` and `high`.
fn normal_mass(low: f64, high: f64) -> f64 {
    // From the side of the tail, where the difference of two numbers near 1 would be lost.
    let above = |x: f64| 0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
    if low > 0.0 { above(low) - above(high) } else { above(-high) - above(-low) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mass_of_a_normal_distribution() {
        for (low, high, mass) in [
            (f64::NEG_INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, 0.0, 0.5),
            (-1.0, 1.0, 0.682689492137086),
            (2.0, f64::INFINITY, 0.022750131948179),
            (20.0, 30.0, 2.7536241186062337e-89),
        ] {
            assert!((normal_mass(low, high) / mass - 1.0).abs() < 1e-12, "{low} .. {high}");
        }
    }
}
