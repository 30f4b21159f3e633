//! Values of statements and rows, without an engine's types.

/// A value that a statement is given, or that a row has.
///
/// A truth value is stored as the integer 0 or 1, because SQLite has no type for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// The values of a statement, in the order of its placeholders.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::db::engine::Value::from($value)),*] };
}
pub(in crate::db) use values;

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a [u8; 32]> for Value<'a> {
    fn from(value: &'a [u8; 32]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A type that a column can be read as.
pub(in crate::db) trait Column: Sized {
    /// Reads a value; `None` if it is of another type.
    fn read(value: Value<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn read(value: Value<'_>) -> Option<Self> {
        if let Value::Integer(number) = value { Some(number) } else { None }
    }
}

impl Column for bool {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value).map(|number| number != 0)
    }
}

impl Column for String {
    fn read(value: Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.to_owned()) } else { None }
    }
}

impl Column for Vec<u8> {
    fn read(value: Value<'_>) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes.to_vec()) } else { None }
    }
}

impl Column for [u8; 32] {
    fn read(value: Value<'_>) -> Option<Self> {
        if let Value::Bytes(bytes) = value { bytes.try_into().ok() } else { None }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(value: Value<'_>) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::read(value).map(Some) }
    }
}
