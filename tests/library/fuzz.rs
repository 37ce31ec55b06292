//! The fuzz targets with seeded mutations of their corpus.

mod bodies;

use crate::support::mutations;
use bodies::BODIES;

/// Runs the body of a target.
fn run(target: &str) {
    let (_, body) = BODIES
        .into_iter()
        .find(|(name, _)| *name == target)
        .unwrap();
    mutations::run(target, body);
}

/// Defines a test for each target.
macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_target_is_tested() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(BODIES.map(|(name, _)| name), tested);
        }
    };
}

tests! { references urls challenges links manifests credentials archive layout client raw_http }
