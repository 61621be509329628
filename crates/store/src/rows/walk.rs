//! Going through a table, page by page.

use crate::error::{Cause, StoreError};

/// How far a walk through a table in ascending order came.
///
/// A damaged index can lead back to rows that were there already. A walk that asks for what comes
/// after the last row would then never end; this one fails.
#[derive(Debug)]
pub struct Walk<T> {
    table: &'static str,
    after: Option<T>,
}

impl<T: Clone + PartialOrd> Walk<T> {
    /// Before the first row of the table.
    pub const fn of(table: &'static str) -> Self {
        Self { table, after: None }
    }

    /// Behind this row, if there is one.
    #[must_use]
    pub fn behind(mut self, row: Option<T>) -> Self {
        self.after = row;
        self
    }

    /// The last row that was seen.
    pub fn after(&self) -> Option<T> {
        self.after.clone()
    }

    /// Goes on to the last row of a page.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where it is not behind the one before.
    pub fn on_to(&mut self, last: T) -> Result<(), StoreError> {
        if self.after.as_ref().is_some_and(|after| last <= *after) {
            let cause = format!("rows of {} are not in their order", self.table);
            return Err(StoreError::Damaged(Cause::new(cause)));
        }
        self.after = Some(last);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Walk;
    use crate::error::StoreError;

    #[test]
    fn it_never_goes_back() {
        let mut walk = Walk::of("keys").behind(None);
        assert_eq!(walk.after(), None);
        for step in [2, 3, 7] {
            walk.on_to(step).unwrap();
            assert_eq!(walk.after(), Some(step));
        }
        for back in [7, 3] {
            let refused = walk.on_to(back);
            assert!(matches!(refused, Err(StoreError::Damaged(_))), "{back}");
        }
        assert_eq!(walk.after(), Some(7));
    }
}
