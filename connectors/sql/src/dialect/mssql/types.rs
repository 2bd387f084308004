//! What a column's declared type says to SQL.

/// A declared type in its parts: `varchar(50) COLLATE Latin1_General_BIN2` is `varchar` with a collation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared<'t> {
    /// The name alone.
    pub(super) name: &'t str,
    /// The digits behind the point, of `decimal(p,s)`.
    pub(super) scale: Option<usize>,
    /// The collation, where it is not the database's own.
    pub(super) collation: Option<&'t str>,
}

impl<'t> Declared<'t> {
    pub(super) fn read(native_type: &'t str) -> Self {
        let (declared, collation) = match native_type.split_once(" COLLATE ") {
            Some((declared, collation)) => (declared, Some(collation)),
            None => (native_type, None),
        };
        let (name, rest) = declared.split_once(['(', ' ']).unwrap_or((declared, ""));
        let scale = match name {
            "decimal" | "numeric" => {
                rest.split_once(',').and_then(|(_, scale)| scale.trim_matches([' ', ')']).parse().ok())
            }
            _ => None,
        };
        // A collation's name is never quoted in SQL, so nothing else may stand there.
        let collation = collation.filter(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        Declared { name, scale, collation }
    }

    /// Text in the code page of its collation.
    pub(super) fn is_narrow_text(&self) -> bool {
        matches!(self.name, "char" | "varchar")
    }

    /// The types of before 2005, which can be fetched and cast, and neither compared nor ordered.
    pub(super) fn is_legacy_text(&self) -> bool {
        matches!(self.name, "text" | "ntext")
    }

    pub(super) fn is_money(&self) -> bool {
        matches!(self.name, "money" | "smallmoney")
    }

    pub(super) fn is_spatial(&self) -> bool {
        matches!(self.name, "geometry" | "geography")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_collations_come_apart() {
        let read = |text| {
            let Declared { name, collation, .. } = Declared::read(text);
            (name, collation)
        };
        assert_eq!(read("varchar(50)"), ("varchar", None));
        assert_eq!(
            read("nvarchar(max) COLLATE Latin1_General_BIN2"),
            ("nvarchar", Some("Latin1_General_BIN2"))
        );
        assert_eq!(read("varchar(5) COLLATE x; DROP TABLE t"), ("varchar", None));
        assert_eq!(Declared::read("decimal(38,3)").scale, Some(3));
        assert_eq!(Declared::read("datetime2(7)").scale, None);
    }
}
