//! The command line: arguments, exit codes, and what a person reads.

mod adapt;
mod experiment;
mod folder;
mod inspect;
mod metrics;
mod models;
mod new;
mod pictures;
mod predict;
mod prepare;
mod progress;
mod redraw;
mod resume;
mod run;
mod samples;
mod session;
mod side_by_side;
mod simulate;
mod stop;
mod sweep;
mod tensorboard;
mod terminal;
mod web;

use crate::engine::EngineError;
use crate::scene::{Override, SceneError};
use crate::train::MEASURED;
use crate::words::visible;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Simulates and trains biologically realistic spiking networks from a scene file.
#[derive(Debug, Parser)]
#[command(
    name = "neuralearn",
    version,
    after_help = "Examples:
  neuralearn --scene scenes/mnist.ron                 train on MNIST, write runs/mnist-1
  neuralearn scenes/mnist.ron                         the same
  neuralearn scenes/mnist.ron --set training.epochs=1 --seed 7
  neuralearn scenes/coba.ron --no-report              numbers alone, without figures
  neuralearn --resume runs/mnist-1                    go on with an interrupted run
  neuralearn scenes/mnist.ron --sweep training.optimizer.lr=0.002,0.006 --seeds 1..5
                                                      ten runs, their table and figure
  neuralearn report runs/mnist-1 runs/mnist-2         runs side by side
  neuralearn new first                                a scene to start from, first.ron
  neuralearn predict runs/mnist-1 --data my/digits    what a trained network makes of other images
  neuralearn adapt runs/meta-1/fomaml --data few.npz  what learned to learn learns a new task
  neuralearn web scenes/coba.ron -o page              a page that runs the scene in a browser
  neuralearn check scenes/mnist.ron                   what would run, and how much memory it takes
  neuralearn devices                                  adapters of this machine

Exit codes: 0 ok, 2 wrong command line or scene, 3 bad data file, 4 device or its limits,
5 input or output, 6 numerical divergence, 7 device lost, 130 interrupted (state saved)."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validate scenes and print their plans, without running them and without a GPU.
    Check(Check),
    /// Ask a trained network for the classes of test images; writes predictions.npz.
    Predict(Predict),
    /// Let a network that learned to learn learn a new task from a few samples; writes adaptation.npz.
    Adapt(Adapt),
    /// Draw the report of a run again, or put several runs side by side.
    Report(Redraw),
    /// Write a commented scene to start from.
    New(New),
    /// Write a page that runs a simulation in a browser, by WebGPU.
    Web(Web),
    /// List the adapters of this machine, their limits, and what fits.
    Devices,
    /// List every model, encoder, rule, optimiser ... with parameters, units, defaults, source.
    Models {
        /// One of them, by its name or that of a field, as Lif or tau_m; all if absent.
        word: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Check {
    /// Scene files.
    #[arg(required = true)]
    scenes: Vec<PathBuf>,
    /// Override one value of the scenes, as in a run.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<Override>,
    /// Print the plans as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  neuralearn predict runs/mnist-1                     the test set of the scene, by the best weights
  neuralearn predict runs/mnist-1 --data my/digits --out answers
  neuralearn predict runs/own-1 --data new.npz        inputs, and maybe labels, that numpy.savez wrote
  neuralearn predict runs/mnist-1 --last              by those of the newest checkpoint, of any run

predictions.npz has `output` [samples, outputs], `predicted` where outputs are classes or marks,
`spikes.<population>`, and `label` or `target` where they are known.")]
struct Predict {
    /// Folder of a training by gradients, or of a stage, that has classes.
    run: PathBuf,
    /// Folder with t10k-images-idx3-ubyte, and maybe with labels, or a file of images, or an .npz file with the arrays
    /// inputs and maybe labels, or a .csv table; default that of the scene.
    #[arg(long, value_name = "DIR|FILE")]
    data: Option<PathBuf>,
    /// With the weights of the newest checkpoint rather than the best; also of a run that is not finished.
    #[arg(long)]
    last: bool,
    /// Folder for predictions.npz; default the run folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    means: Means,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  neuralearn adapt runs/meta-1/fomaml --data few.npz  the network learns these samples, and answers to them
  neuralearn adapt runs/meta-1/fomaml --data few.npz --query new.npz --steps 5 --out learned

Files are of numpy: `inputs` and `targets`, of which what is asked may have none. Inputs are as those that were learned from:
of `Sinusoids` what each of its Gaussian fields has of x, from 0 to 1. adaptation.npz has
`output` [steps + 1, samples, outputs], what is answered after 0, 1, 2, ... steps, with `target` and `mse`
[steps + 1] where targets are known, and `support_mse`, that of the samples that are learned from. The run
stays as it is.")]
struct Adapt {
    /// Folder of a training with `meta`, or of a stage that is one.
    run: PathBuf,
    /// Samples of the task that it is learned from, an .npz file.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Samples that are asked; default those that it is learned from.
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// Steps of gradient descent on the samples, with the rate of the training.
    #[arg(long, value_name = "N", default_value_t = MEASURED, value_parser = clap::value_parser!(u64).range(1..=1000))]
    steps: u64,
    /// With the weights of the newest checkpoint rather than the best; also of a run that is not finished.
    #[arg(long)]
    last: bool,
    /// Folder for adaptation.npz; default the run folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    means: Means,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  neuralearn report runs/mnist-1                      report.html of the run anew
  neuralearn report runs/mnist-1 runs/mnist-2         both side by side, in report-1
  neuralearn report runs/sweep-1/* -o compared

Of one run, what its summary tells is drawn again: numbers, learning curves, confusion matrix. All other
figures are those that stand in its folder. Of an experiment and of a sweep the page is made anew of the
summaries. Of several runs one page has what differs between their scenes, the numbers that differ, the
learning curves of all in one figure, and links to their own reports.")]
struct Redraw {
    /// Folders of finished runs.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Folder of the page, which is made or is empty; default that of the run, of several runs report-<n>.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  neuralearn new first                                a small network, in first.ron
  neuralearn new digits --from mnist                  scenes/mnist.ron, its paths set right
  neuralearn new mine/digits --from runs/mnist-1/scene.ron")]
struct New {
    /// The scene file; .ron is added where it lacks. A file that is there is never overwritten.
    name: PathBuf,
    /// A scene file, or the name of one in the folder scenes, that is taken as it stands.
    #[arg(long, value_name = "SCENE")]
    from: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  neuralearn web scenes/coba.ron -o page              page/index.html, to be opened, or put on a web server
  neuralearn web scenes/brunel.ron -o page --set populations.exc.size=4000 --set populations.inh.size=1000

The page runs the same kernels as the command line on the GPU of whoever opens it, draws spikes, rates, potentials and
weights that learn, and has sliders for stimuli and weights. It asks no server for anything. Trainings, experiments of
several stages, synapses that move and rewards for pairs of spikes are refused.")]
struct Web {
    /// The scene, of a simulation.
    scene: PathBuf,
    /// Folder of the page: a new one, an empty one, or one with nothing but a page of this command, which is replaced.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Override one value of the scene, as in a run.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<Override>,
    /// Same as --set simulation.seed=N.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// With what something is computed, and whether it is shown.
#[derive(Debug, Clone, Args)]
struct Means {
    /// What to run on.
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto)]
    engine: EngineChoice,
    /// The adapter whose name contains TEXT, in any case.
    #[arg(long, value_name = "TEXT")]
    adapter: Option<String>,
    /// Threads of the CPU engine; default all cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// No progress on the terminal.
    #[arg(long)]
    quiet: bool,
}

/// Options of a run.
#[derive(Debug, Clone, Args)]
struct Run {
    /// The scene to run, as with --scene.
    #[arg(value_name = "FILE.ron", value_parser = scene_file, conflicts_with = "scene")]
    file: Option<PathBuf>,
    /// The scene to run.
    #[arg(long, value_name = "FILE")]
    scene: Option<PathBuf>,
    /// Run folder; default runs/<scene>-<n> with the next free number.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the results in an existing run folder.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Override one value of the scene; repeatable, for example training.epochs=1.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<Override>,
    /// Same as --set simulation.seed=N; of an experiment with `seeds` that one alone.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    means: Means,
    /// Go on from the newest good checkpoint of a run folder; with --set training.epochs=N or
    /// simulation.duration=T beyond its end.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Run the scene with each of several values, PATH=V1,V2,... or PATH=FROM..TO:STEP with TO included;
    /// repeatable: every combination is a run in a folder <out>/<k>, told in <out>/sweep.csv and report.html.
    #[arg(long, value_name = "PATH=VALUES", conflicts_with = "resume")]
    sweep: Vec<sweep::Axis>,
    /// Same as --sweep simulation.seed=SEEDS, as in 1..10 or 1,2,5.
    #[arg(long, value_name = "SEEDS", value_parser = sweep::seeds, conflicts_with_all = ["resume", "seed"])]
    seeds: Option<sweep::Axis>,
    /// Of a sweep every Nth run, from the Ith on: N processes with one --out share it, and the same command goes on
    /// with a shard that was broken off.
    #[arg(long, value_name = "I/N", conflicts_with = "overwrite")]
    shard: Option<sweep::Shard>,
    /// An event file of all metrics for TensorBoard beside metrics.jsonl.
    #[arg(long)]
    tensorboard: bool,
    /// No figures and no report.html; all else as ever.
    #[arg(long)]
    no_report: bool,
    /// More log; repeat for more.
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Print a table of time per kernel at the end.
    #[arg(long)]
    profile: bool,
}

/// A scene that is named without `--scene`: what does not look like one is rather a command with a slip.
fn scene_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().is_some_and(|extension| extension == "ron") {
        true => Ok(path),
        false => Err("it is no command, and a scene without --scene is a FILE.ron".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    /// The best real GPU, else the CPU.
    Auto,
    /// A real GPU or an error.
    Gpu,
    /// WGSL on a software adapter (lavapipe, WARP).
    Software,
    /// The Rust twins of the kernels.
    Cpu,
}

/// Ended by the user; its state is saved.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; go on with: neuralearn --resume {}", .0.display())]
struct Interrupted(PathBuf);

/// Wrong use that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Threads that the system does not give.
#[derive(Debug, thiserror::Error)]
#[error(
    "threads cannot be made: {0}; ask for fewer with --threads, or give the process more memory"
)]
struct Threads(String);

/// A file or folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
struct FileFault {
    what: String,
    source: std::io::Error,
}

/// A file that cannot be used.
fn fault(path: &Path, source: std::io::Error) -> FileFault {
    FileFault { what: path.display().to_string(), source }
}

/// Parses the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if e.use_stderr() => {
            // Nobody is told that this cannot be said.
            let _ = e.print();
            return ExitCode::from(2);
        }
        // Help and version.
        Err(text) => return concluded(terminal::print(text.render()).map_err(Into::into)),
    };
    let level = match cli.run.verbose {
        0 => "warn,wgpu_hal=error,wgpu_core=error,naga=error",
        1 => "info,wgpu_hal=error,wgpu_core=warn,naga=warn",
        2 => "debug,wgpu_core=info,wgpu_hal=warn,naga=info",
        _ => "trace",
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level))
        .format(|out, record| {
            let (level, style) = (record.level(), out.default_level_style(record.level()));
            let message = record.args().to_string();
            let (target, message) = (record.target(), visible(&message));
            writeln!(out, "[{style}{level:<5}{style:#} {target}] {message}")
        })
        .init();
    concluded(match &cli.command {
        Some(Command::Check(check)) => inspect::check(&check.scenes, &check.set, check.json),
        Some(Command::Predict(args)) => predict::predict(args),
        Some(Command::Adapt(args)) => adapt::adapt(args),
        Some(Command::Report(args)) => redraw::report(args),
        Some(Command::New(args)) => new::new(args),
        Some(Command::Web(args)) => web::web(args),
        Some(Command::Devices) => inspect::devices(),
        Some(Command::Models { word }) => models::models(word.as_deref()),
        None => run::run(&cli.run),
    })
}

/// Says what went wrong, if anything did, and gives the exit code.
fn concluded(result: Result<(), anyhow::Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            complain(&e);
            ExitCode::from(exit_code(&e))
        }
    }
}

/// Says what went wrong.
fn complain(e: &anyhow::Error) {
    match e.downcast_ref::<SceneError>() {
        Some(scene) => {
            let color = std::io::IsTerminal::is_terminal(&std::io::stderr());
            // Rendered with its colours, and with nothing else that is meant for the terminal.
            let _ = writeln!(std::io::stderr(), "{}", scene.render(color).trim_end());
        }
        // An error's own words include those of its source.
        None => terminal::say(format!("error: {e}").trim_end()),
    }
}

/// The exit code of an error.
fn exit_code(e: &anyhow::Error) -> u8 {
    use crate::checkpoint::CheckpointError;
    use crate::data::DataError;
    use crate::input::source::InputError;
    use crate::network::NetworkError;
    use crate::plan::PlanError;
    use crate::simulation::SimulationError;
    use crate::train::TrainError;
    use crate::web::WebError;

    let engine = |e: &EngineError| match e {
        EngineError::Lost { .. } => 7,
        EngineError::NoAdapter { .. } | EngineError::Limit { .. } | EngineError::Shader { .. } => 4,
    };
    let checkpoint = |e: &CheckpointError| match e {
        CheckpointError::Io { .. } => 5,
        CheckpointError::Damaged { .. } | CheckpointError::None { .. } => 3,
    };
    if e.is::<SceneError>() || e.is::<Usage>() {
        2
    } else if e.is::<DataError>() {
        3
    } else if let Some(e) = e.downcast_ref::<NetworkError>() {
        match e {
            NetworkError::Value { .. }
            | NetworkError::Input(InputError::Value(_))
            | NetworkError::Train { .. }
            | NetworkError::Count { .. }
            | NetworkError::Synapse { .. }
            | NetworkError::Dendritic { .. }
            | NetworkError::BothSigns { .. }
            | NetworkError::SynapseDelays { .. }
            | NetworkError::Delay { .. } => 2,
            NetworkError::TooLarge { .. } | NetworkError::Memory { .. } => 4,
            NetworkError::File(_)
            | NetworkError::Length { .. }
            | NetworkError::Pair { .. }
            | NetworkError::Bounds { .. }
            | NetworkError::Sign { .. }
            | NetworkError::Input(_)
            | NetworkError::Tensor { .. }
            | NetworkError::Initial { .. }
            | NetworkError::Weights { .. } => 3,
        }
    } else if let Some(e) = e.downcast_ref::<PlanError>() {
        match e {
            PlanError::Binding { .. } | PlanError::Ring { .. } | PlanError::Packing { .. } => 4,
            PlanError::Delay { .. } | PlanError::Apart { .. } | PlanError::Unknown { .. } => 2,
        }
    } else if let Some(e) = e.downcast_ref::<EngineError>() {
        engine(e)
    } else if let Some(e) = e.downcast_ref::<CheckpointError>() {
        checkpoint(e)
    } else if let Some(e) = e.downcast_ref::<TrainError>() {
        match e {
            TrainError::Engine(e) => engine(e),
            TrainError::Checkpoint(e) => checkpoint(e),
            TrainError::Diverged { .. } => 6,
        }
    } else if let Some(e) = e.downcast_ref::<SimulationError>() {
        match e {
            SimulationError::Engine(e) => engine(e),
            SimulationError::Checkpoint(e) => checkpoint(e),
            SimulationError::Diverged { .. } => 6,
            SimulationError::Variable { .. } | SimulationError::Synapse { .. } => 2,
        }
    } else if let Some(e) = e.downcast_ref::<WebError>() {
        match e {
            WebError::Refused { .. } => 2,
            WebError::Size { .. } | WebError::Shader { .. } => 4,
        }
    } else if e.is::<Threads>() {
        4
    } else if e.is::<Interrupted>() {
        130
    } else {
        5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
