//! Any bytes as files of profiles.

use super::recipe::Book;
use super::{cli, ini, ossutil};

/// The input is each kind of file. Each profile that it has can be looked at, and errors name a line and not what is on it.
pub fn books(input: &[u8]) {
    for book in [ini::read(input), ossutil::read(input), cli::read(input)] {
        match book {
            Err(why) => assert!(why.len() < 1024, "{why}"),
            Ok(book) => look_at(book.as_ref()),
        }
    }
}

fn look_at(book: &dyn Book) {
    let usual = book.usual();
    for name in ["default", "", "Credentials", "a"].into_iter().chain(usual.as_deref()) {
        if let Some(recipe) = book.recipe(name) {
            let _ = recipe.is_empty();
        }
    }
}
