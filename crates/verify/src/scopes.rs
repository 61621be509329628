//! Scope sets as bits, so that "does it hold all of these" is a few machine words.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use claviger_model::scopes::ScopeName;

/// A set of scopes, one bit each, numbered by the [`Scopes`] registry.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Bits(Box<[u64]>);

impl Bits {
    fn of(numbers: impl IntoIterator<Item = usize>) -> Self {
        let mut words = Vec::new();
        for number in numbers {
            let word = number / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (number % 64);
        }
        Self(words.into_boxed_slice())
    }

    fn word(&self, position: usize) -> u64 {
        self.0.get(position).copied().unwrap_or(0)
    }

    /// How many bytes it takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.0.len() * 8
    }

    /// Whether every scope of `self` is in `held` and not in `excluded`.
    pub fn are_in(&self, held: &Self, excluded: &Self) -> bool {
        let missing = |(at, word): (usize, &u64)| word & !(held.word(at) & !excluded.word(at));
        self.0.iter().enumerate().all(|pair| missing(pair) == 0)
    }

    /// Whether a scope of `self` is in `held` and not in `excluded`.
    pub fn meet(&self, held: &Self, excluded: &Self) -> bool {
        let common = |(at, word): (usize, &u64)| word & held.word(at) & !excluded.word(at);
        self.0.iter().enumerate().any(|pair| common(pair) != 0)
    }
}

/// The scopes of a credential: their bits, and their names in the order in which they were given.
#[derive(Debug)]
pub struct ScopeSet {
    /// For comparing.
    pub bits: Bits,
    /// For showing.
    pub names: Box<[ScopeName]>,
    /// How many names had a number when some of these had none.
    incomplete_at: Option<usize>,
}

/// Numbers scope names and shares equal sets. Used when the index changes, never by a decision.
#[derive(Debug, Default)]
pub struct Scopes {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    numbers: HashMap<ScopeName, usize>,
    sets: HashMap<Box<[ScopeName]>, Arc<ScopeSet>>,
}

impl Scopes {
    /// The shared set of `names`.
    pub fn set(&self, names: &[ScopeName]) -> Arc<ScopeSet> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = state.sets.get(names) {
            return Arc::clone(set);
        }
        let bits = Bits::of(
            names
                .iter()
                .map(|name| state.number(name))
                .collect::<Vec<_>>(),
        );
        let set = Arc::new(ScopeSet {
            bits,
            names: names.into(),
            incomplete_at: None,
        });
        state.sets.insert(names.into(), Arc::clone(&set));
        set
    }

    /// The set of `names` for something that comes and goes: neither it nor a name of it is kept.
    /// Names without a number are in none of its bits; see [`Scopes::is_current`].
    pub(crate) fn lookup(&self, names: &[ScopeName]) -> Arc<ScopeSet> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = state.sets.get(names) {
            return Arc::clone(set);
        }
        let known: Vec<usize> = names
            .iter()
            .filter_map(|name| state.numbers.get(name).copied())
            .collect();
        let incomplete_at = (known.len() < names.len()).then_some(state.numbers.len());
        drop(state);
        Arc::new(ScopeSet {
            bits: Bits::of(known),
            names: names.into(),
            incomplete_at,
        })
    }

    /// Whether no name of `set` has got a number since it was looked up.
    pub(crate) fn is_current(&self, set: &ScopeSet) -> bool {
        set.incomplete_at.is_none_or(|known| known == self.known())
    }

    /// How many names have a number.
    pub(crate) fn known(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.numbers.len()
    }

    /// The bits of `names`.
    pub fn bits<'a>(&self, names: impl IntoIterator<Item = &'a ScopeName>) -> Bits {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers: Vec<usize> = names.into_iter().map(|name| state.number(name)).collect();
        Bits::of(numbers)
    }
}

impl State {
    fn number(&mut self, name: &ScopeName) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(name.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_over_many_words_compare_right() {
        let scopes = Scopes::default();
        let name = |n: usize| ScopeName::new(&format!("scope:{n}")).expect("scope");
        let all: Vec<ScopeName> = (0..200).map(name).collect();
        let held = scopes.set(&all);
        let none = Bits::default();
        let some = scopes.bits([&all[3], &all[130]]);
        assert!(some.are_in(&held.bits, &none));
        assert!(!some.are_in(&held.bits, &scopes.bits([&all[130]])));
        assert!(!some.are_in(&scopes.bits([&all[3]]), &none));
        assert!(some.meet(&scopes.bits([&all[130]]), &none));
        assert!(!some.meet(&scopes.bits([&all[131]]), &none));
        assert!(Arc::ptr_eq(&held, &scopes.set(&all)));
    }
}
