//! One thing for each scheme.

use waika_domain::card::Scheme;

/// A value for each of the five schemes.
#[derive(Debug)]
pub(crate) struct ByScheme<T> {
    values: [T; Scheme::ALL.len()],
}

impl<T> ByScheme<T> {
    /// Makes each scheme's value from the specs that name it, or else from those that name none.
    pub(crate) fn of<S>(
        specs: &[S],
        scheme_of: impl Fn(&S) -> Option<Scheme>,
        make: impl Fn(&[&S]) -> T,
    ) -> Self {
        let values = Scheme::ALL.map(|scheme| {
            let naming = |name: Option<Scheme>| {
                let found = specs.iter().filter(|spec| scheme_of(spec) == name);
                found.collect::<Vec<_>>()
            };
            let own = naming(Some(scheme));
            make(&if own.is_empty() { naming(None) } else { own })
        });
        Self { values }
    }

    /// The value of a scheme.
    pub(crate) const fn scheme(&self, scheme: Scheme) -> &T {
        let [visa, mastercard, diners_club, discover, jcb] = &self.values;
        match scheme {
            Scheme::Visa => visa,
            Scheme::Mastercard => mastercard,
            Scheme::DinersClub => diners_club,
            Scheme::Discover => discover,
            Scheme::Jcb => jcb,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_own_value() {
        let specs: Vec<_> = Scheme::ALL.into_iter().map(Some).collect();
        let values = ByScheme::of(&specs, |spec| *spec, |found| *found[0]);
        for scheme in Scheme::ALL {
            assert_eq!(*values.scheme(scheme), Some(scheme));
        }
    }
}
