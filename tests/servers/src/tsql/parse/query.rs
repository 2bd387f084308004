//! Queries.

use super::Parser;
use crate::tsql::ast::{
    Body, CommonTable, Expr, Item, JoinKind, JsonColumn, Literal, Query, Sample, Select, SetKind, TableRef,
};
use crate::tsql::error::Result;
use crate::tsql::lexer::Token;

/// Hints that change nothing for a double: it locks nothing and plans nothing.
const TABLE_HINTS: &[&str] =
    &["NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "READPAST", "REPEATABLEREAD", "SERIALIZABLE"];

impl Parser {
    /// Whether a query begins here.
    pub(super) fn at_query(&self) -> bool {
        let begins = |ahead: usize| ["SELECT", "WITH", "VALUES"].iter().any(|word| self.is_word(ahead, word));
        // `((SELECT …) UNION …)`.
        let parens = (0..).take_while(|ahead| matches!(self.peek_at(*ahead), Token::Mark("("))).count();
        begins(parens) && (parens == 0 || !self.scalar_parens(parens))
    }

    /// Whether the query behind these parentheses is an operand, as in `((SELECT 1) + 2)`.
    fn scalar_parens(&self, parens: usize) -> bool {
        let mut depth = parens;
        let mut ahead = parens;
        while depth > parens - 1 {
            match self.peek_at(ahead) {
                Token::Mark("(") => depth += 1,
                Token::Mark(")") => depth -= 1,
                Token::End => return false,
                _ => {}
            }
            ahead += 1;
        }
        let continues =
            ["UNION", "EXCEPT", "INTERSECT", "ORDER"].iter().any(|word| self.is_word(ahead, word));
        !continues && !matches!(self.peek_at(ahead), Token::Mark(")"))
    }

    pub(super) fn query(&mut self) -> Result<Query> {
        self.nested(|parser| {
            let tables = if parser.word("WITH") { parser.common_tables()? } else { Vec::new() };
            let body = parser.union()?;
            let order = if parser.is_word(0, "ORDER") { parser.order()? } else { Vec::new() };
            let mut query = Query { tables, body, order, offset: None, fetch: None };
            if !query.order.is_empty() && parser.word("OFFSET") {
                query.offset = Some(parser.expr()?);
                parser.rows()?;
                if parser.word("FETCH") {
                    if !parser.word("NEXT") {
                        parser.expect_word("FIRST")?;
                    }
                    query.fetch = Some(parser.expr()?);
                    parser.rows()?;
                    parser.expect_word("ONLY")?;
                }
            }
            parser.options()?;
            Ok(query)
        })
    }

    fn rows(&mut self) -> Result<()> {
        if self.word("ROWS") { Ok(()) } else { self.expect_word("ROW") }
    }

    /// `OPTION (RECOMPILE, MAXDOP 1)`.
    fn options(&mut self) -> Result<()> {
        if !self.word("OPTION") {
            return Ok(());
        }
        self.expect_mark("(")?;
        loop {
            if self.word("MAXDOP") || self.word("MAXRECURSION") || self.word("FAST") {
                let _count: u32 = self.whole()?;
            } else if !(self.word("RECOMPILE")
                || self.words(&["KEEP", "PLAN"])
                || self.words(&["OPTIMIZE", "FOR", "UNKNOWN"])
                || self.words(&["FORCE", "ORDER"])
                || self.words(&["HASH", "JOIN"])
                || self.words(&["LOOP", "JOIN"]))
            {
                return Err(self.unexpected());
            }
            if !self.mark(",") {
                return self.expect_mark(")");
            }
        }
    }

    fn common_tables(&mut self) -> Result<Vec<CommonTable>> {
        let mut tables = Vec::new();
        loop {
            let name = self.name()?;
            let columns = if matches!(self.peek(), Token::Mark("(")) { self.names()? } else { Vec::new() };
            self.expect_word("AS")?;
            self.expect_mark("(")?;
            let query = self.query()?;
            self.expect_mark(")")?;
            tables.push(CommonTable { name, columns, query });
            if !self.mark(",") {
                return Ok(tables);
            }
        }
    }

    fn union(&mut self) -> Result<Body> {
        let mut left = self.intersection()?;
        loop {
            let kind = if self.words(&["UNION", "ALL"]) {
                SetKind::UnionAll
            } else if self.word("UNION") {
                SetKind::Union
            } else if self.word("EXCEPT") {
                SetKind::Except
            } else {
                return Ok(left);
            };
            left = Body::Set { kind, left: Box::new(left), right: Box::new(self.intersection()?) };
        }
    }

    fn intersection(&mut self) -> Result<Body> {
        let mut left = self.body()?;
        while self.word("INTERSECT") {
            let right = Box::new(self.body()?);
            left = Body::Set { kind: SetKind::Intersect, left: Box::new(left), right };
        }
        Ok(left)
    }

    fn body(&mut self) -> Result<Body> {
        if self.mark("(") {
            let query = self.query()?;
            self.expect_mark(")")?;
            return Ok(Body::Nested(Box::new(query)));
        }
        if self.word("VALUES") {
            return self.values().map(Body::Values);
        }
        self.select().map(|select| Body::Select(Box::new(select)))
    }

    /// `(a, b), (c, d)`.
    pub(super) fn values(&mut self) -> Result<Vec<Vec<Expr>>> {
        let mut rows = Vec::new();
        loop {
            self.expect_mark("(")?;
            rows.push(self.list_with_defaults()?);
            self.expect_mark(")")?;
            if !self.mark(",") {
                return Ok(rows);
            }
        }
    }

    /// The word DEFAULT stands for a column's default, which a caller knows by this name.
    fn list_with_defaults(&mut self) -> Result<Vec<Expr>> {
        let mut list = Vec::new();
        loop {
            list.push(if self.word("DEFAULT") { Expr::Column(Vec::new()) } else { self.expr()? });
            if !self.mark(",") {
                return Ok(list);
            }
        }
    }

    fn select(&mut self) -> Result<Select> {
        self.expect_word("SELECT")?;
        let distinct = self.word("DISTINCT");
        let _all = !distinct && self.word("ALL");
        let top = if self.word("TOP") { Some(self.top()?) } else { None };
        let mut items = vec![self.item()?];
        while self.mark(",") {
            items.push(self.item()?);
        }
        let mut from = Vec::new();
        if self.word("FROM") {
            from.push(self.joined()?);
            while self.mark(",") {
                from.push(self.joined()?);
            }
        }
        let condition = if self.word("WHERE") { Some(self.expr()?) } else { None };
        let group = if self.words(&["GROUP", "BY"]) { self.list()? } else { Vec::new() };
        let having = if self.word("HAVING") { Some(self.expr()?) } else { None };
        Ok(Select { distinct, top, items, from, condition, group, having })
    }

    pub(super) fn top(&mut self) -> Result<Expr> {
        let count = if self.mark("(") {
            let count = self.expr()?;
            self.expect_mark(")")?;
            count
        } else {
            Expr::Literal(Literal::Int(self.whole()?))
        };
        if self.is_word(0, "PERCENT") || (self.is_word(0, "WITH") && self.is_word(1, "TIES")) {
            return Err(self.unexpected());
        }
        Ok(count)
    }

    fn item(&mut self) -> Result<Item> {
        if self.mark("*") {
            return Ok(Item::Star(None));
        }
        let qualified = matches!(self.peek(), Token::Word(_) | Token::Quoted(_))
            && matches!(self.peek_at(1), Token::Mark("."))
            && matches!(self.peek_at(2), Token::Mark("*"));
        if qualified {
            let alias = self.name()?;
            self.at += 2;
            return Ok(Item::Star(Some(alias)));
        }
        if matches!((self.peek(), self.peek_at(1)), (Token::Variable(_), Token::Mark("="))) {
            let variable = self.variable()?;
            self.at += 1;
            return Ok(Item::Assign { variable, expr: self.expr()? });
        }
        // `alias = expr`.
        if matches!((self.peek(), self.peek_at(1)), (Token::Quoted(_) | Token::Word(_), Token::Mark("="))) {
            let alias = self.name()?;
            self.at += 1;
            return Ok(Item::Expr { expr: self.expr()?, alias: Some(alias) });
        }
        let expr = self.expr()?;
        let alias = match (self.word("AS"), self.peek()) {
            (_, Token::Text(text, _)) => {
                let alias = text.clone();
                self.at += 1;
                Some(alias)
            }
            (true, _) => Some(self.name()?),
            (false, _) => self.alias(),
        };
        Ok(Item::Expr { expr, alias })
    }

    /// A name without AS.
    fn alias(&mut self) -> Option<String> {
        let next_clause = ["OFFSET", "GO", "THROW", "RAISERROR"].iter().any(|word| self.is_word(0, word));
        if next_clause { None } else { self.name().ok() }
    }

    fn table_alias(&mut self) -> Result<Option<String>> {
        if self.word("AS") { self.name().map(Some) } else { Ok(self.alias()) }
    }

    fn joined(&mut self) -> Result<TableRef> {
        let mut left = self.table_ref()?;
        loop {
            let outer = self.words(&["OUTER", "APPLY"]);
            if outer || self.words(&["CROSS", "APPLY"]) {
                let right = Box::new(self.table_ref()?);
                left = TableRef::Apply { outer, left: Box::new(left), right };
                continue;
            }
            let Some(kind) = self.join_kind() else { return Ok(left) };
            let right = Box::new(self.table_ref()?);
            let on = if kind == JoinKind::Cross {
                None
            } else {
                self.expect_word("ON")?;
                Some(self.expr()?)
            };
            left = TableRef::Join { kind, left: Box::new(left), right, on };
        }
    }

    fn join_kind(&mut self) -> Option<JoinKind> {
        let kinds: [(&[&str], JoinKind); 9] = [
            (&["JOIN"], JoinKind::Inner),
            (&["INNER", "JOIN"], JoinKind::Inner),
            (&["LEFT", "JOIN"], JoinKind::Left),
            (&["LEFT", "OUTER", "JOIN"], JoinKind::Left),
            (&["RIGHT", "JOIN"], JoinKind::Right),
            (&["RIGHT", "OUTER", "JOIN"], JoinKind::Right),
            (&["FULL", "JOIN"], JoinKind::Full),
            (&["FULL", "OUTER", "JOIN"], JoinKind::Full),
            (&["CROSS", "JOIN"], JoinKind::Cross),
        ];
        kinds.into_iter().find(|(words, _)| self.words(words)).map(|(_, kind)| kind)
    }

    fn table_ref(&mut self) -> Result<TableRef> {
        if matches!(self.peek(), Token::Mark("(")) {
            if self.at_query() || self.is_derived() {
                return self.derived();
            }
            self.at += 1;
            let inner = self.nested(Self::joined)?;
            self.expect_mark(")")?;
            return Ok(inner);
        }
        if self.is_word(0, "OPENJSON") && matches!(self.peek_at(1), Token::Mark("(")) {
            return self.open_json();
        }
        let name = self.full_name()?;
        if matches!(self.peek(), Token::Mark("(")) {
            return Err(self.unexpected());
        }
        let mut alias = self.table_alias()?;
        let sample = if self.word("TABLESAMPLE") { Some(self.sample()?) } else { None };
        if alias.is_none() {
            alias = self.table_alias()?;
        }
        self.table_hints()?;
        Ok(TableRef::Table { name, alias, sample })
    }

    fn is_derived(&self) -> bool {
        self.is_word(1, "SELECT") || self.is_word(1, "VALUES") || self.is_word(1, "WITH")
    }

    fn derived(&mut self) -> Result<TableRef> {
        self.expect_mark("(")?;
        let query = Box::new(self.query()?);
        self.expect_mark(")")?;
        let alias = self.table_alias()?.ok_or_else(|| self.unexpected())?;
        let columns = if matches!(self.peek(), Token::Mark("(")) { self.names()? } else { Vec::new() };
        Ok(TableRef::Derived { query, alias, columns })
    }

    fn sample(&mut self) -> Result<Sample> {
        let _system = self.word("SYSTEM");
        self.expect_mark("(")?;
        let amount = self.expr()?;
        let rows = self.word("ROWS");
        let _percent = !rows && self.word("PERCENT");
        self.expect_mark(")")?;
        if self.word("REPEATABLE") {
            self.expect_mark("(")?;
            let _seed = self.expr()?;
            self.expect_mark(")")?;
        }
        Ok(Sample { amount, percent: !rows })
    }

    fn table_hints(&mut self) -> Result<()> {
        if !(self.is_word(0, "WITH") && matches!(self.peek_at(1), Token::Mark("("))) {
            return Ok(());
        }
        self.at += 2;
        loop {
            if !TABLE_HINTS.iter().any(|hint| self.word(hint)) {
                return Err(self.unexpected());
            }
            if !self.mark(",") {
                return self.expect_mark(")");
            }
        }
    }

    fn open_json(&mut self) -> Result<TableRef> {
        self.at += 2;
        let json = self.expr()?;
        let path = if self.mark(",") { Some(self.expr()?) } else { None };
        self.expect_mark(")")?;
        let mut columns = Vec::new();
        if self.word("WITH") {
            self.expect_mark("(")?;
            loop {
                let name = self.name()?;
                let ty = self.data_type()?;
                let path = if matches!(self.peek(), Token::Text(..)) { Some(self.text()?) } else { None };
                let as_json = self.words(&["AS", "JSON"]);
                columns.push(JsonColumn { name, ty, path, as_json });
                if !self.mark(",") {
                    break;
                }
            }
            self.expect_mark(")")?;
        }
        let alias = self.table_alias()?;
        Ok(TableRef::OpenJson { json, path, columns, alias })
    }
}
