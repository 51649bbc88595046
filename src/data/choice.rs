//! Which samples of a data set are used, and for what: some of its classes, so many of each, a part for validation.

use super::{Dataset, Split};
use crate::rng::{Purpose, Stream};
use std::cmp::Reverse;

/// Labels that a byte can hold.
const LABELS: usize = 256;

/// What a scene asks of a data set that has it not.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// A class without samples.
    #[error(
        "training.data.classes: the {set} set has no sample of class {class}, it has the classes {known}; \
         name others, or take another set"
    )]
    Absent {
        /// Training or test set.
        set: &'static str,
        /// The class.
        class: u64,
        /// Those that are there.
        known: String,
    },
    /// Classes are asked for of samples that have none.
    #[error(
        "training.data.{field}: the samples have no `labels`, by which it chooses; save their classes too, or leave it out"
    )]
    Unlabelled {
        /// What asks for them.
        field: &'static str,
    },
    /// A class with too few samples.
    #[error(
        "training.data.per_class: {wanted} training samples of each class are to be taken, class {class} has \
         {count}; take at most {count}, or leave that class out by `classes`"
    )]
    Few {
        /// The class, as the files have it.
        class: u64,
        /// Its samples.
        count: u64,
        /// Samples to be taken.
        wanted: u64,
    },
    /// A validation set of nothing, or of all.
    #[error(
        "training.validation: {wanted} sets {count} of {all} training samples aside; at least one has to be, and \
         one has to be left to train on"
    )]
    Validation {
        /// What the scene says.
        wanted: f64,
        /// Samples that would be set aside.
        count: u64,
        /// All samples.
        all: u64,
    },
    /// A shift that may leave nothing of an image.
    #[error(
        "training.data.augment: shifts of up to {most} pixels can move an image of {cols} x {rows} pixels out of \
         sight; {}",
        match rows.min(cols) - 1 {
            0 => "what has one row is not moved: leave it out".to_owned(),
            most => format!("take at most {most}"),
        }
    )]
    Shift {
        /// Largest shift.
        most: u64,
        /// Height of an image.
        rows: usize,
        /// Its width.
        cols: usize,
    },
    /// A mirror image that is the image.
    #[error(
        "training.data.augment: an image of {rows} rows and one column is its own mirror image; leave `Flip` out"
    )]
    Flip {
        /// Height of an image.
        rows: usize,
    },
}

impl Dataset {
    /// Keeps the samples of some classes, if they are given, whose labels become their places in the list; and of
    /// these so many training samples of each class, if it is given how many: the first, or with a seed such that are
    /// drawn from it. They keep the order of the files.
    ///
    /// # Errors
    /// There are no samples of a class, or not so many, or no classes.
    pub fn choose(
        &mut self,
        classes: Option<&[u64]>,
        per_class: Option<u64>,
        drawn: Option<u64>,
    ) -> Result<(), ChoiceError> {
        let asks = [("classes", classes.is_some()), ("per_class", per_class.is_some())];
        if let Some((field, _)) = asks.into_iter().find(|(_, asks)| *asks)
            && self.train.labels.is_empty()
        {
            return Err(ChoiceError::Unlabelled { field });
        }
        if let Some(classes) = classes {
            self.train.has_all(classes, "training")?;
            self.test.has_all(classes, "test")?;
            self.train = self.train.of_classes(classes);
            self.test = self.test.of_classes(classes);
        }
        if let Some(wanted) = per_class {
            let by_class = self.train.by_class();
            let few = |of: &Vec<usize>| !of.is_empty() && (of.len() as u64) < wanted;
            if let Some(label) = by_class.iter().position(few) {
                let class = classes.map_or(label as u64, |classes| classes[label]);
                let count = by_class[label].len() as u64;
                return Err(ChoiceError::Few { class, count, wanted });
            }
            let stream = drawn.map(|seed| Stream::new(seed, Purpose::Choice, 0));
            let taken = |(class, of): (usize, Vec<usize>)| -> Vec<usize> {
                let wanted = wanted as usize;
                let Some(stream) = stream else { return of.into_iter().take(wanted).collect() };
                let order = stream.permutation(of.len() as u32, class as u64);
                order.into_iter().take(wanted).map(|k| of[k as usize]).collect()
            };
            let mut places: Vec<usize> = by_class.into_iter().enumerate().flat_map(taken).collect();
            places.sort_unstable();
            self.train = self.train.part(&places);
        }
        Ok(())
    }

    /// Sets training samples aside for validation: so many, or such a part of them. It is the same part of each class,
    /// to within one sample, or of all where there are no classes, and drawn from the seed. Both sets keep the order of
    /// the files.
    ///
    /// # Errors
    /// [`ChoiceError::Validation`] if that would be none or all.
    pub fn set_aside(&mut self, wanted: f64, seed: u64) -> Result<(), ChoiceError> {
        let all = self.train.len() as u64;
        let count = if wanted < 1.0 { (wanted * all as f64).round() } else { wanted } as u64;
        if count == 0 || count >= all {
            return Err(ChoiceError::Validation { wanted, count, all });
        }
        let by_class = self.train.by_class();
        // The exact share of a class has a fraction, which is lost at first. What is missing then is made up for by
        // the classes that lost most.
        let share = |class: usize| count * by_class[class].len() as u64;
        let mut shares: Vec<u64> = (0..LABELS).map(|class| share(class) / all).collect();
        let missing = (count - shares.iter().sum::<u64>()) as usize;
        let mut order: Vec<usize> = (0..LABELS).collect();
        order.sort_by_key(|class| Reverse(share(*class) % all));
        order[..missing].iter().for_each(|class| shares[*class] += 1);

        let stream = Stream::new(seed, Purpose::Validation, 0);
        let mut aside = vec![false; self.train.len()];
        for (class, (of, share)) in by_class.iter().zip(shares).enumerate() {
            let order = stream.permutation(of.len() as u32, class as u64);
            order[..share as usize].iter().for_each(|k| aside[of[*k as usize]] = true);
        }
        let (validation, train): (Vec<_>, Vec<_>) = (0..aside.len()).partition(|i| aside[*i]);
        self.validation = Some(self.train.part(&validation));
        self.train = self.train.part(&train);
        Ok(())
    }
}

impl Split {
    /// Places of the samples of each class, in ascending order; without classes all are alike.
    fn by_class(&self) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); LABELS];
        let class = |i: usize| self.class_of(i).unwrap_or_default();
        (0..self.len()).for_each(|i| places[usize::from(class(i))].push(i));
        places
    }

    /// Whether there are samples of each of some classes. `set` is what the error calls it.
    fn has_all(&self, classes: &[u64], set: &'static str) -> Result<(), ChoiceError> {
        let by_class = self.by_class();
        let samples = |class: u64| by_class.get(class as usize).filter(|of| !of.is_empty());
        if let Some(class) = classes.iter().copied().find(|class| samples(*class).is_none()) {
            let known = (0..LABELS as u64).filter(|class| samples(*class).is_some());
            let known = known.map(|class| class.to_string()).collect::<Vec<_>>().join(", ");
            return Err(ChoiceError::Absent { set, class, known });
        }
        Ok(())
    }

    /// The samples of some classes, labelled by their places in the list.
    pub fn of_classes(&self, classes: &[u64]) -> Self {
        let place = |label: u8| classes.iter().position(|class| *class == u64::from(label));
        let kept: Vec<_> = (0..self.len()).filter(|i| place(self.labels[*i]).is_some()).collect();
        let mut part = self.part(&kept);
        for label in &mut part.labels {
            *label = place(*label).unwrap_or_default() as u8;
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of some labels, each with its number as its only pixel; the test set is the same.
    fn dataset(labels: &[u8]) -> Dataset {
        let images = (0..labels.len()).map(|i| i as u8).collect();
        let split = Split { images, labels: labels.to_vec(), targets: vec![], rows: 1, cols: 1 };
        Dataset { train: split.clone(), validation: None, test: split }
    }

    #[test]
    fn classes_are_chosen_and_labelled_anew() {
        let mut data = dataset(&[5, 3, 9, 3, 5, 5, 0, 3]);
        data.choose(Some(&[5, 3]), Some(2), None).unwrap();
        assert_eq!(
            (&data.train.images[..], &data.train.labels[..]),
            (&[0, 1, 3, 4][..], &[0, 1, 1, 0][..])
        );
        // All of the test set.
        assert_eq!(data.test.images, [0, 1, 3, 4, 5, 7]);
        assert_eq!(data.test.labels, [0, 1, 1, 0, 0, 1]);

        let mut data = dataset(&[2, 2, 1, 2, 1]);
        data.choose(None, Some(1), None).unwrap();
        assert_eq!((data.train.images, data.train.labels), (vec![0, 2], vec![2, 1]));
    }

    #[test]
    fn what_a_set_does_not_have_is_refused() {
        for (classes, per_class, words) in [
            (Some(&[3, 7][..]), None, "training set has no sample of class 7 | classes 3, 5, 9"),
            (Some(&[300]), None, "class 300"),
            (None, Some(3), "per_class: 3 | class 3 has 2"),
            // By the name that the file has for it.
            (Some(&[5, 3]), Some(3), "class 3 has 2"),
        ] {
            let error =
                dataset(&[5, 3, 9, 3, 5, 5, 9, 9]).choose(classes, per_class, None).unwrap_err();
            for word in words.split(" | ") {
                assert!(error.to_string().contains(word), "`{word}` is not in {error}");
            }
        }
        let mut data = dataset(&[1, 2]);
        data.test.truncate(1);
        let error = data.choose(Some(&[1, 2]), None, None).unwrap_err().to_string();
        assert!(error.contains("test set has no sample of class 2"), "{error}");
    }

    /// 120 samples of class 0, 60 of 1, 20 of 2, mixed.
    fn mixed() -> Dataset {
        let label = |i: usize| [0, 1, 0, 0, 2, 1, 0, 0, 1, 0][i % 10];
        dataset(&(0..200).map(label).collect::<Vec<u8>>())
    }

    #[test]
    fn validation_has_the_same_part_of_each_class() {
        for (wanted, shares) in [(0.25, [30, 15, 5]), (50.0, [30, 15, 5]), (7.0, [4, 2, 1])] {
            let mut data = mixed();
            data.set_aside(wanted, 3).unwrap();
            let validation = data.validation.unwrap();
            let of = |label| validation.labels.iter().filter(|known| **known == label).count();
            assert_eq!([0, 1, 2].map(of), shares, "{wanted}");
            // Every sample is in one of the sets, in the order of the file, with its label.
            let all = mixed().train;
            let sorted = |split: &Split| split.images.is_sorted_by(|a, b| a < b);
            assert!(sorted(&validation) && sorted(&data.train));
            let mut both = [&validation.images[..], &data.train.images].concat();
            both.sort_unstable();
            assert_eq!(both, all.images);
            for split in [&validation, &data.train] {
                let true_label = |i: &u8| all.labels[usize::from(*i)];
                assert!(split.images.iter().map(true_label).eq(split.labels.iter().copied()));
            }
            assert_eq!(data.test, mixed().test);
        }
    }

    /// Samples without classes are set aside as they come, with their targets, and are not chosen by class.
    #[test]
    fn samples_may_have_no_classes() {
        let unlabelled = || {
            let mut data = dataset(&[0; 200]);
            for split in [&mut data.train, &mut data.test] {
                split.labels.clear();
                split.targets = (0..400).map(|k| k as f32).collect();
            }
            data
        };
        let mut data = unlabelled();
        data.set_aside(0.25, 3).unwrap();
        let validation = data.validation.unwrap();
        assert_eq!((validation.len(), data.train.len()), (50, 150));
        for split in [&validation, &data.train] {
            assert!(split.labels.is_empty());
            let own = |i: usize| [0, 1].map(|k| 2.0 * f32::from(split.images[i]) + k as f32);
            assert!((0..split.len()).all(|i| split.wanted(i, 2) == own(i)));
        }
        let tens = (0..4u8).map(|k| validation.images.iter().filter(|i| **i / 50 == k).count());
        // Hypergeometric, of variance 50 / 4 · 3 / 4 · 150 / 199 = 7.
        assert!(tens.into_iter().all(|count| (count as f64 - 12.5).abs() <= 5.0 * 7f64.sqrt()));
        for (classes, per_class, field) in
            [(Some(&[0][..]), None, "classes"), (None, Some(1), "per_class")]
        {
            let error = unlabelled().choose(classes, per_class, None).unwrap_err().to_string();
            assert!(
                error.contains(&format!("training.data.{field}: the samples have no")),
                "{error}"
            );
        }
        let mut data = unlabelled();
        data.train.truncate(3);
        assert_eq!((data.train.len(), data.train.targets.len()), (3, 6));
    }

    #[test]
    fn validation_is_drawn_from_the_seed() {
        let drawn = |seed| {
            let mut data = mixed();
            data.set_aside(40.0, seed).unwrap();
            data.validation.unwrap().images
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        // Not the first of the file.
        assert!(drawn(1).iter().any(|i| *i > 150));
    }

    #[test]
    fn samples_of_a_class_are_drawn_from_the_seed() {
        let drawn = |seed| {
            let mut data = mixed();
            data.choose(Some(&[2, 0]), Some(5), Some(seed)).unwrap();
            data.train
        };
        let train = drawn(1);
        let of = |label| train.labels.iter().filter(|known| **known == label).count();
        assert_eq!([0, 1].map(of), [5, 5]);
        assert!(train.images.is_sorted_by(|a, b| a < b));
        let all = mixed().train;
        let classes = train.images.iter().map(|i| all.labels[usize::from(*i)]);
        assert!(classes.eq(train.labels.iter().map(|label| [2, 0][usize::from(*label)])));
        assert_eq!(train.images, drawn(1).images);
        assert_ne!(train.images, drawn(2).images);
        let mut first = mixed();
        first.choose(Some(&[2, 0]), Some(5), None).unwrap();
        assert_ne!(train.images, first.train.images);
    }

    #[test]
    fn something_is_validated_and_something_trained() {
        for (wanted, count) in [(0.001, 0), (200.0, 200), (1e30, u64::MAX), (0.999, 200)] {
            let error = mixed().set_aside(wanted, 1).unwrap_err().to_string();
            assert!(error.contains(&format!("sets {count} of 200")), "{error}");
        }
        assert!(mixed().set_aside(199.0, 1).is_ok());
    }
}
