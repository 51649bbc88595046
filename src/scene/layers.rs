//! Populations in rows, columns and channels, and the projections that go by them: what is pooled, convolutions,
//! local receptive fields, lateral connections.

use super::{Connect, Pool, Population, Projection};
use crate::grammar::Extent;
use crate::network::connect::conv::Conv;
use crate::network::connect::lateral::Lateral;
use crate::network::connect::local::Local;
use crate::synapse::convolution::{Convolution, Pooling, places};

/// What does not go together: the field of the projection, what is wrong, what to do.
pub type Misfit = (&'static str, String, String);

/// Most weights of a convolution: one array of a device holds them.
const MOST_WEIGHTS: u128 = 1 << 25;

/// Most places of what is pooled, padding included, of all channels.
const MOST_PLACES: u128 = 1 << 24;

impl Population {
    /// Rows, columns and channels, if it has a shape.
    pub fn layer(&self) -> Option<[usize; 3]> {
        match self.shape[..] {
            [columns] => Some([1, columns as usize, 1]),
            [rows, columns] => Some([rows as usize, columns as usize, 1]),
            [rows, columns, channels] => Some([rows, columns, channels].map(|n| n as usize)),
            _ => None,
        }
    }

    /// Gives a population that has a shape and no size the size that follows.
    pub(super) fn settle(&mut self) {
        if self.size == 0 && !self.shape.is_empty() {
            self.size = u64::try_from(self.room()).unwrap_or(u64::MAX);
        }
    }

    /// Whether it has no shape, or one that its neurons fill.
    pub(super) fn fits_its_shape(&self) -> bool {
        self.shape.is_empty() || (self.layer().is_some() && self.room() == u128::from(self.size))
    }

    /// Neurons for which its shape has room.
    pub(super) fn room(&self) -> u128 {
        self.shape.iter().fold(1, |room: u128, n| room.saturating_mul(u128::from(*n)))
    }

    /// Coordinates of its neurons, if they have places.
    pub fn dimensions(&self) -> Option<usize> {
        let in_rows = || self.layer().map(|_| 2);
        self.positions.as_ref().map(super::Positions::dimensions).or_else(in_rows)
    }
}

fn text([rows, columns]: [usize; 2]) -> Extent {
    Extent([rows as u64, columns as u64])
}

impl Projection {
    /// Whether synapses share weights, by windows of the sources.
    pub fn shares_weights(&self) -> bool {
        matches!(self.connect, Connect::Conv(_)) || self.pool.is_some()
    }

    /// How the sources lie before the targets, where that decides who is connected; `None` elsewhere. Weights are
    /// shared, but those of `Local`.
    ///
    /// # Errors
    /// Shapes that do not go together.
    pub fn convolution(
        &self,
        from: &Population,
        to: &Population,
    ) -> Result<Option<Convolution>, Misfit> {
        let pool = self.pool.map_or([1; 2], |pool| pool.extent().0);
        let one = Extent::both(1);
        let (kernel, stride, padding, dilation, groups) = match self.connect {
            Connect::Conv(Conv { kernel, stride, padding, dilation, groups }) => {
                (Some(kernel), stride, padding, dilation, groups)
            }
            Connect::Local(Local { kernel, stride, padding, dilation }) => {
                if self.pool.is_some() {
                    let message =
                        "each source of `Local` has a weight of its own, and is not pooled";
                    let help = "leave `pool` out, or use `Conv`";
                    return Err(("pool", message.to_owned(), help.to_owned()));
                }
                (Some(kernel), stride, padding, dilation, 1)
            }
            Connect::Dense(_) if self.pool.is_some() => (None, one, Extent::both(0), one, 1),
            _ if self.pool.is_some() => {
                let message = "only sources of `Conv` and `Dense` are pooled".to_owned();
                return Err(("pool", message, "leave `pool` out".to_owned()));
            }
            _ => return Ok(None),
        };
        let source = self.shaped(&self.from, from)?;
        if pool.contains(&0) {
            let message = "a window of no rows or columns pools nothing".to_owned();
            return Err(("pool", message, "give at least 1".to_owned()));
        }
        let numbers = [pool, stride.0, dilation.0, kernel.unwrap_or(one).0].concat();
        if groups == 0 || numbers.contains(&0) {
            // Told by the rules of the fields.
            return Ok(None);
        }
        if [numbers, padding.0.to_vec()].concat().iter().any(|n| *n > 1 << 15) {
            let message = format!("rows and columns are at most {}", 1 << 15);
            return Err(("connect", message, "make them smaller".to_owned()));
        }
        let [pool, stride, padding, dilation] =
            [pool, stride.0, padding.0, dilation.0].map(|two| two.map(|n| n as usize));
        let pooled = [0, 1].map(|axis| source[axis] / pool[axis]);
        if pooled.contains(&0) {
            let message = format!(
                "{} are pooled, but `{}` has {} rows and columns",
                text(pool),
                self.from,
                text([source[0], source[1]])
            );
            return Err((
                "pool",
                message,
                "pool fewer: `Avg([1, 2])` pools columns only".to_owned(),
            ));
        }
        let covered = match self.pool {
            Some(_) => format!("the {} that are pooled of `{}`", text(pooled), self.from),
            None => format!("the {} of `{}`", text(pooled), self.from),
        };
        let whole = kernel.is_none();
        let kernel = kernel.map_or(pooled, |kernel| kernel.0.map(|n| n as usize));
        let place =
            [0, 1].map(|k| places(pooled[k], kernel[k], stride[k], padding[k], dilation[k]));
        if place.contains(&0) {
            let message = format!(
                "a kernel of {} with a padding of {} and a dilation of {} does not fit into {covered}",
                text(kernel),
                text(padding),
                text(dilation)
            );
            let help = "make it smaller; where there is one row, `kernel: [1, 5]`";
            return Err(("connect", message, help.to_owned()));
        }
        let target = match whole {
            true => [1, 1, to.size as usize],
            false => self.shaped(&self.to, to)?,
        };
        if [target[0], target[1]] != place {
            let message = format!(
                "it has {} places on {covered}, but `{}` has {} rows and columns",
                text(place),
                self.to,
                text([target[0], target[1]])
            );
            let help = format!(
                "give `{}` the shape [{}, {}, {}], or change stride or padding",
                self.to, place[0], place[1], target[2]
            );
            return Err(("connect", message, help));
        }
        if !(source[2] as u64).is_multiple_of(groups) || !(target[2] as u64).is_multiple_of(groups)
        {
            let message = format!(
                "{groups} groups do not divide the {} channels of `{}` and the {} of `{}`",
                source[2], self.from, target[2], self.to
            );
            return Err(("connect", message, "choose a number that divides both".to_owned()));
        }
        let groups = groups as usize;
        let pooling = match self.pool {
            None | Some(Pool::Sum(_)) => Pooling::Sum,
            Some(Pool::Avg(_)) => Pooling::Mean,
            Some(Pool::Max(_)) => Pooling::Largest,
        };
        let made = Convolution {
            source,
            pool,
            pooling,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            target,
        };
        let weights = made.fan_in() as u128 * target[2] as u128;
        if weights > MOST_WEIGHTS {
            let message = format!("it has {weights} weights, more than {MOST_WEIGHTS}");
            return Err(("connect", message, "make the kernel smaller".to_owned()));
        }
        let padded = [0, 1].map(|axis| (pooled[axis] + 2 * padding[axis]) as u128);
        let covered = padded[0] * padded[1] * source[2] as u128;
        if covered > MOST_PLACES {
            let message =
                format!("its windows slide over {covered} places, more than {MOST_PLACES}");
            return Err(("connect", message, "make `padding` or the source smaller".to_owned()));
        }
        Ok(Some(made))
    }

    /// Rows, columns and channels of a population, which must have them.
    fn shaped(&self, name: &str, population: &Population) -> Result<[usize; 3], Misfit> {
        population.layer().ok_or_else(|| {
            let message = format!("it goes by rows and columns, and `{name}` has none");
            let help = format!("give `{name}` a shape: `shape: [rows, columns, channels]`");
            ("connect", message, help)
        })
    }

    /// Rows and columns that both populations have, where they are connected sideways.
    ///
    /// # Errors
    /// They have others, or none.
    pub fn sideways(&self, from: &Population, to: &Population) -> Result<[[usize; 3]; 2], Misfit> {
        let ends = [self.shaped(&self.from, from)?, self.shaped(&self.to, to)?];
        let [a, b] = ends.map(|[rows, columns, _]| [rows, columns]);
        if a != b {
            let (a, b) = (text(a), text(b));
            let message = format!(
                "`{}` has {a} rows and columns and `{}` has {b}, so none lies beside another",
                self.from, self.to
            );
            return Err(("connect", message, "give both the same rows and columns".to_owned()));
        }
        let [a, b] = ends.map(|[.., channels]| channels);
        if matches!(self.connect, Connect::Lateral(Lateral { across: false, .. })) && a != b {
            let message = format!(
                "`{}` has {a} channels and `{}` has {b}, and each is connected with its own",
                self.from, self.to
            );
            let help = "give both as many, or add `across: true`";
            return Err(("connect", message, help.to_owned()));
        }
        Ok(ends)
    }
}

impl Pool {
    /// Rows and columns that are pooled.
    pub fn extent(&self) -> Extent {
        match self {
            Self::Avg(extent) | Self::Sum(extent) | Self::Max(extent) => *extent,
        }
    }
}
