//! How a scene is written: quantities with units, parameters of neurons, and the one declaration of each word
//! from which reading, writing, rules and documentation follow.
//!
//! [`declare`] has the declaration, [`quantity`] and [`param`] the numbers, [`read`] the dialect of RON and what
//! its errors mean, [`text`] where things are in a text.

pub mod declare;
pub mod extent;
pub mod param;
pub mod quantity;
pub mod read;
pub mod several;
pub mod text;

pub use declare::{
    At, Block, Choice, Choices, Content, Field, Judge, Kind, Named, Rule, Spelling, Value, Visitor,
    Word, is_name, read_field, shown,
};
pub use extent::Extent;
pub use param::{Param, Spread};
pub use quantity::{
    Dimension, Hz, Mm, Ms, Mv, Ns, One, OneOrMany, Pa, PaRootMs, Pf, Quantity, Strength, TOLERANCE,
    Um, Velocity,
};
pub use read::{Chosen, explain, named_or_bare, ron_options};
pub use several::Several;
pub use text::closest;
