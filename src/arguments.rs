//! How arguments are read that both command lines have: the operator's and the peers'.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Takes one of the words of an enumeration, and lists them in the help.
pub(crate) fn words<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = crate::word::UnknownWord> + Copy + Send + Sync,
{
    PossibleValuesParser::new(all.iter().map(|value| word(*value))).try_map(|text| text.parse::<T>())
}
