//! Choices that are the same for the same seed.

/// A small generator, good enough to choose instants.
pub struct Seed(u64);

impl Seed {
    pub fn new(seed: u64) -> Self {
        let mut seed = Self(seed);
        // The first number of neighbouring seeds is alike.
        seed.below(1);
        seed
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}
