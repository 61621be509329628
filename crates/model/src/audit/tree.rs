//! The tree over the events of the log: the Merkle tree of RFC 9162 section 2.1.
//!
//! Its head stands for every event and their order, a path of hashes from an event to a head proves
//! that the event is in the log and tells nothing of the others, and a new head is made from the
//! last one and what was added since, whatever the length of the log.

use std::collections::HashMap;

use super::{CHAIN_START, ChainHash, NODE, sha256};

/// The hash of two subtrees beside each other.
fn node(left: &ChainHash, right: &ChainHash) -> ChainHash {
    sha256(&[&[NODE], left, right])
}

/// The head of the tree without leaves.
fn nothing() -> ChainHash {
    sha256(&[])
}

/// A tree as far as it takes to go on: the heads of its complete subtrees, the largest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<ChainHash>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves, from what [`Frontier::to_bytes`] made; none when
    /// the bytes are not of that size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        let is_of_size = rest.is_empty() && peaks.len() == size.count_ones() as usize;
        is_of_size.then(|| Self {
            size,
            peaks: peaks.to_vec(),
        })
    }

    /// The peaks one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: ChainHash) {
        self.push_and_see(leaf, |_, _| {});
    }

    /// The head of the tree.
    pub fn root(&self) -> ChainHash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return nothing();
        };
        peaks.fold(*last, |right, left| node(left, &right))
    }

    /// Adds a leaf, and shows each subtree that it completes: its first leaf with its height, and
    /// its head.
    fn push_and_see(&mut self, leaf: ChainHash, mut see: impl FnMut(Subtree, ChainHash)) {
        let place = self.size;
        let (mut head, mut height) = (leaf, 0);
        see(
            Subtree {
                first: place,
                height,
            },
            head,
        );
        while (place >> height) & 1 == 1 {
            let Some(left) = self.peaks.pop() else {
                break;
            };
            head = node(&left, &head);
            height += 1;
            let first = (place >> height) << height;
            see(Subtree { first, height }, head);
        }
        self.peaks.push(head);
        self.size += 1;
    }
}

/// A complete subtree: its first leaf, and how high it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Subtree {
    first: u64,
    height: u32,
}

/// What there is to prove the leaves of one span with: those between two heads.
#[derive(Debug)]
pub struct Span {
    first: u64,
    size: u64,
    heads: HashMap<Subtree, ChainHash>,
}

impl Span {
    /// The span of `leaves` after those of `before`.
    pub fn new(before: &Frontier, leaves: &[ChainHash]) -> Self {
        let mut heads = HashMap::with_capacity(2 * leaves.len() + before.peaks.len());
        let mut first = 0;
        let heights = (0..u64::BITS).rev().filter(|h| (before.size >> h) & 1 == 1);
        for (height, peak) in heights.zip(&before.peaks) {
            heads.insert(Subtree { first, height }, *peak);
            first += 1 << height;
        }
        let mut frontier = before.clone();
        for leaf in leaves {
            frontier.push_and_see(*leaf, |subtree, head| {
                heads.insert(subtree, head);
            });
        }
        Self {
            first: before.size,
            size: frontier.size,
            heads,
        }
    }

    /// The path from the leaf at `index`, counted from zero, to the head of the tree at the end of
    /// the span (RFC 9162 section 2.1.3.1); none when the leaf is not of the span.
    pub fn path(&self, index: u64) -> Option<Vec<ChainHash>> {
        if !(self.first..self.size).contains(&index) {
            return None;
        }
        let mut path = Vec::new();
        let (mut from, mut to) = (0, self.size);
        while to - from > 1 {
            let middle = from + split(to - from);
            if index < middle {
                path.push(self.head(middle, to)?);
                to = middle;
            } else {
                path.push(self.head(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The head over the leaves from `from` to before `to`.
    fn head(&self, from: u64, to: u64) -> Option<ChainHash> {
        let count = to - from;
        if count.is_power_of_two() {
            let height = count.trailing_zeros();
            return self
                .heads
                .get(&Subtree {
                    first: from,
                    height,
                })
                .copied();
        }
        let middle = from + split(count);
        Some(node(&self.head(from, middle)?, &self.head(middle, to)?))
    }
}

/// The largest power of two below `count`, which is at least two.
fn split(count: u64) -> u64 {
    let half = count.next_power_of_two() >> 1;
    half.max(1)
}

/// The head of the tree of `size` leaves in which `leaf` is at `index` by this path (RFC 9162
/// section 2.1.3.2); none when the path cannot be of such a leaf.
pub fn root_by_path(
    leaf: &ChainHash,
    index: u64,
    size: u64,
    path: &[ChainHash],
) -> Option<ChainHash> {
    if index >= size {
        return None;
    }
    let (mut place, mut last, mut head) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            head = node(sibling, &head);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            head = node(&head, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(head)
}

/// A hash from its hexadecimal form.
pub fn parse_hex(text: &str) -> Option<ChainHash> {
    let mut hash = CHAIN_START;
    super::evidence::unhex(text, &mut hash)?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf(number: usize) -> ChainHash {
        sha256(&[&[super::super::LEAF], &number.to_be_bytes()])
    }

    /// The definition of RFC 9162 section 2.1.1, word by word.
    fn defined(leaves: &[ChainHash]) -> ChainHash {
        match leaves {
            [] => nothing(),
            [one] => *one,
            several => {
                let k = 1 << (several.len() - 1).ilog2();
                node(&defined(&several[..k]), &defined(&several[k..]))
            }
        }
    }

    #[test]
    fn the_head_without_leaves_and_of_known_ones_is_the_standards() {
        let text = |hash: ChainHash| {
            hash.iter()
                .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
        };
        assert_eq!(
            text(Frontier::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        // The reference tree of Certificate Transparency.
        let inputs: [&[u8]; 8] = [
            &[],
            &[0],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let mut frontier = Frontier::default();
        for input in inputs {
            frontier.push(sha256(&[&[super::super::LEAF], input]));
        }
        assert_eq!(
            text(frontier.root()),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    proptest! {
        #[test]
        fn paths_lead_to_the_head_and_to_no_other(
            before in 0_usize..200, added in 1_usize..200, wrong in any::<prop::sample::Index>()
        ) {
            let leaves: Vec<ChainHash> = (0..before + added).map(leaf).collect();
            let mut frontier = Frontier::default();
            leaves[..before].iter().for_each(|leaf| frontier.push(*leaf));
            let kept = Frontier::from_bytes(before as u64, &frontier.to_bytes()).expect("its own bytes");
            prop_assert_eq!(&kept, &frontier);
            let span = Span::new(&kept, &leaves[before..]);
            leaves[before..].iter().for_each(|leaf| frontier.push(*leaf));
            let root = defined(&leaves);
            prop_assert_eq!(frontier.root(), root);
            let size = before + added;
            let led = |leaf: &ChainHash, index: usize, path: &[ChainHash]| {
                root_by_path(leaf, index as u64, size as u64, path)
            };
            for index in before..size {
                let path = span.path(index as u64).expect("a leaf of the span");
                prop_assert_eq!(led(&leaf(index), index, &path), Some(root));
                let other = leaf(size + 1);
                prop_assert_ne!(led(&other, index, &path), Some(root));
                if size > 1 {
                    let elsewhere = (index + 1) % size;
                    let found = led(&leaf(index), elsewhere, &path);
                    prop_assert_ne!(found, Some(root));
                }
                if !path.is_empty() {
                    let mut bent = path.clone();
                    let at = wrong.index(bent.len());
                    bent[at][3] ^= 1;
                    prop_assert_ne!(led(&leaf(index), index, &bent), Some(root));
                    bent.pop();
                    prop_assert_ne!(led(&leaf(index), index, &bent), Some(root));
                }
            }
            if before > 0 {
                prop_assert_eq!(span.path(before as u64 - 1), None);
            }
            prop_assert_eq!(span.path(size as u64), None);
        }
    }
}
