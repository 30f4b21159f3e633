//! Parsers of arguments that the operator's and the peers' command lines share.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Parses a word of an enumeration, and lists the words in the help.
pub(crate) fn words<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = crate::word::UnknownWord> + Copy + Send + Sync,
{
    PossibleValuesParser::new(all.iter().map(|value| word(*value))).try_map(|text| text.parse::<T>())
}
