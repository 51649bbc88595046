//! The page of a report: one HTML file without scripts that needs nothing but itself.
//!
//! Figures are embedded as base64 PNG, the style is inline and follows the light or dark preference
//! of the reader. Every string that comes from outside passes through [`escape`].

use super::figures::Figure;
use super::{Epoch, Parts, Report, Runs};

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; font-weight: 600; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
.description { white-space: pre-line; }
.warnings { border-left: 4px solid #d55e00; padding: .5rem 1rem .5rem 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; }
th { font-weight: 500; }
figure { margin: 1rem 0 2rem; }
img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
figcaption, caption { font-size: .9rem; opacity: .8; }
caption { caption-side: bottom; text-align: left; padding-top: .5rem; }
.numbers th + th, .numbers td { text-align: right; }
.wide { overflow-x: auto; }
";

/// Lays out the whole page.
pub(super) fn page(report: &Report, figures: &[Figure]) -> String {
    let title = escape(report.title);
    let mut body = format!("<h1>{title}</h1>\n");
    if !report.description.is_empty() {
        body += &format!("<p class=\"description\">{}</p>\n", escape(&report.description));
    }
    if !report.warnings.is_empty() {
        let items: String = report
            .warnings
            .iter()
            .map(|warning| format!("<li>{}</li>\n", escape(warning)))
            .collect();
        body += &format!("<ul class=\"warnings\">\n{items}</ul>\n");
    }
    if !report.facts.is_empty() {
        let rows = report.facts.iter().map(|(name, value)| {
            format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value))
        });
        body += &format!("<table>\n{}</table>\n", rows.collect::<String>());
    }
    if !report.parts.rows.is_empty() {
        body += &parts(&report.parts);
    }
    body += &report.runs.as_ref().map_or_else(String::new, runs);
    body += &populations(report);
    for section in figures.chunk_by(|a, b| a.section == b.section) {
        body += &format!("<h2>{}</h2>\n", escape(&section[0].section));
        body.extend(section.iter().map(embed));
    }
    if !report.epochs.is_empty() {
        body += &epochs(&report.epochs);
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// Stages as a table that leads to their reports: by their names, or of several seeds by a number of each run.
fn parts(parts: &Parts) -> String {
    let link =
        |place: &str, text: &str| format!("<a href=\"{}\">{}</a>", escape(place), escape(text));
    let rows = parts.rows.iter().map(|(name, about, runs)| {
        let cells = runs.iter().map(|(place, number)| format!("<td>{}</td>", link(place, number)));
        let (name, cells) = match &runs[..] {
            [(place, _)] if parts.seeds.is_empty() => (link(place, name), String::new()),
            _ => (escape(name).to_string(), cells.collect()),
        };
        format!("<tr><th>{name}</th><td>{}</td>{cells}</tr>\n", escape(about))
    });
    let rows = rows.collect::<String>();
    if parts.seeds.is_empty() {
        return format!("<h2>Stages</h2>\n<table>\n{rows}</table>\n");
    }
    let heads = parts.seeds.iter().map(|seed| format!("<th>seed {seed}</th>")).collect::<String>();
    format!(
        "<h2>Stages</h2>\n<div class=\"wide\">\n<table>\n<caption>{}</caption>\n\
         <tr><th>stage</th><th></th>{heads}</tr>\n{rows}</table>\n</div>\n",
        escape(&parts.number)
    )
}

/// Runs as a table whose rows lead to their reports, if they are to be listed.
fn runs(runs: &Runs) -> String {
    if runs.rows.is_empty() {
        return String::new();
    }
    let heads = runs.columns.iter().map(|name| format!("<th>{}</th>", escape(name)));
    let rows = runs.rows.iter().map(|(name, place, cells)| {
        let cells = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell)));
        let (name, place, cells) = (escape(name), escape(place), cells.collect::<String>());
        format!("<tr><th><a href=\"{place}\">{name}</a></th>{cells}</tr>\n")
    });
    format!(
        "<h2>Table</h2>\n<div class=\"wide\">\n<table class=\"numbers\">\n<tr><th>run</th>{}</tr>\n{}</table>\n\
         </div>\n",
        heads.collect::<String>(),
        rows.collect::<String>(),
    )
}

/// What the spikes of each population amount to.
fn populations(report: &Report) -> String {
    let spiking = report.activity.iter().filter_map(|of| Some((of, of.spikes.as_deref()?)));
    let Some((_, first)) = spiking.clone().next() else { return String::new() };
    let bin = first.fano_bin();
    let of = match report.sample {
        Some(_) => "Spikes of the sample shown below. ",
        None => "",
    };
    let number = |value: Option<f64>| match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{value:.2}"),
        None => "–".into(),
    };
    let rows = spiking.map(|(of, spikes)| {
        format!(
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(&of.name),
            spikes.size(),
            spikes.spikes,
            number(spikes.rate(of.steps)),
            number(spikes.cv_isi()),
            number(spikes.fano(of.steps)),
        )
    });
    format!(
        "<h2>Populations</h2>\n<table class=\"numbers\">\n\
         <caption>{of}CV of intervals: standard deviation of the times between the spikes of a neuron, \
         divided by their mean, averaged over neurons with at least three spikes; 0 is a clock, 1 a \
         Poisson process. Synchrony: Fano factor (variance divided by mean) of the spikes of the \
         population in bins of {bin} ms; 1 if its neurons are independent Poisson processes, more \
         if they fire together.</caption>\n\
         <tr><th>population</th><th>neurons</th><th>spikes</th><th>mean rate (Hz)</th>\
         <th>CV of intervals</th><th>synchrony</th></tr>\n{}</table>\n",
        rows.collect::<String>(),
    )
}

/// A figure with its caption, shown at half its pixel size.
fn embed(figure: &Figure) -> String {
    let caption = escape(&figure.caption);
    format!(
        "<figure>\n<img width=\"{}\" alt=\"{caption}\" src=\"data:image/png;base64,{}\">\n\
         <figcaption>{caption}</figcaption>\n</figure>\n",
        figure.width,
        base64(&figure.png),
    )
}

/// The numbers behind the learning curves, folded away.
fn epochs(epochs: &[Epoch]) -> String {
    let percent = |accuracy: f64| format!("{:.2} %", 100.0 * accuracy);
    let significant = |loss: f64| match loss.abs() < 0.01 {
        true => format!("{loss:.4e}"),
        false => format!("{loss:.4}"),
    };
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "–".into());
    // Where there is no validation set its columns are left out.
    let validated = epochs.iter().any(|e| e.validation_loss.is_some());
    let validation = |e: &Epoch| match validated {
        true => format!(
            "<td>{}</td><td>{}</td>",
            or_dash(e.validation_loss.map(significant)),
            or_dash(e.validation_accuracy.map(percent)),
        ),
        false => String::new(),
    };
    let rows = epochs.iter().map(|e| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td>{}<td>{}</td><td>{}</td></tr>\n",
            e.epoch,
            or_dash(e.loss.map(significant)),
            or_dash(e.train_accuracy.map(percent)),
            validation(e),
            or_dash(e.test_loss.map(significant)),
            or_dash(e.test_accuracy.map(percent)),
        )
    });
    let validation = match validated {
        true => "<th>validation loss</th><th>validation accuracy</th>",
        false => "",
    };
    format!(
        "<h2>Epochs</h2>\n<details>\n<summary>All numbers</summary>\n<table>\n\
         <tr><th>epoch</th><th>loss</th><th>accuracy</th>{validation}<th>test loss</th>\
         <th>test accuracy</th></tr>\n{}</table>\n</details>\n",
        rows.collect::<String>(),
    )
}

/// Makes a string safe in HTML text and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Base64 with padding (RFC 4648).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i| u32::from(chunk.get(i).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = group >> (18 - 6 * digit) & 63;
            text.push(if digit > chunk.len() { '=' } else { DIGITS[value as usize] as char });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_disarms_markup() {
        assert_eq!(
            escape("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
        assert_eq!(escape("dt = 0.1 ms, µ ± σ"), "dt = 0.1 ms, µ ± σ");
    }

    #[test]
    fn base64_matches_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_page_escapes_what_it_shows() {
        let report = Report {
            title: "<t>",
            description: "<d>".to_owned(),
            facts: vec![("<n>".into(), "<v>".into())],
            warnings: vec!["<w>".into()],
            ..Report::default()
        };
        let figure = Figure {
            file: String::new(),
            section: "<s>".into(),
            caption: "<c>\"".into(),
            width: 1,
            png: Vec::new(),
        };
        let page = page(&report, &[figure]);
        for raw in ["<t>", "<d>", "<n>", "<v>", "<w>", "<s>", "<c>"] {
            assert!(!page.contains(raw), "{raw}");
        }
        assert!(page.contains("alt=\"&lt;c&gt;&quot;\""));
    }
}
