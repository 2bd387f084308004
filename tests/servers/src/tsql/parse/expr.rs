//! Expressions and conditions.

use super::Parser;
use super::types::in_conversion;
use crate::tsql::ast::{Arithmetic, Call, Comparison, Expr, Frame, Literal, Order, Window};
use crate::tsql::decimal::Decimal;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::lexer::Token;
use crate::tsql::types::SqlType;

impl Parser {
    /// An expression or a condition: OR binds loosest.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.nested(|parser| {
            let mut left = parser.conjunction()?;
            while parser.word("OR") {
                left = Expr::Or(Box::new(left), Box::new(parser.conjunction()?));
            }
            Ok(left)
        })
    }

    fn conjunction(&mut self) -> Result<Expr> {
        let mut left = self.negation()?;
        while self.word("AND") {
            left = Expr::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expr> {
        if self.word("NOT") {
            return self.nested(|parser| Ok(Expr::Not(Box::new(parser.negation()?))));
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Expr> {
        let left = self.sum()?;
        if let Some(comparison) = self.comparison() {
            let right = self.sum()?;
            return Ok(Expr::Compare(comparison, Box::new(left), Box::new(right)));
        }
        if self.word("IS") {
            let negated = self.word("NOT");
            self.expect_word("NULL")?;
            return Ok(Expr::IsNull { expr: Box::new(left), negated });
        }
        let expr = Box::new(left);
        let negated = self.word("NOT");
        if self.word("LIKE") {
            let pattern = Box::new(self.sum()?);
            let escape = if self.word("ESCAPE") { Some(Box::new(self.sum()?)) } else { None };
            Ok(Expr::Like { expr, pattern, escape, negated })
        } else if self.word("BETWEEN") {
            let low = Box::new(self.sum()?);
            self.expect_word("AND")?;
            let high = Box::new(self.sum()?);
            Ok(Expr::Between { expr, low, high, negated })
        } else if self.word("IN") {
            self.expect_mark("(")?;
            let membership = if self.at_query() {
                Expr::InQuery { expr, query: Box::new(self.query()?), negated }
            } else {
                Expr::InList { expr, list: self.list()?, negated }
            };
            self.expect_mark(")")?;
            Ok(membership)
        } else if negated {
            Err(self.unexpected())
        } else {
            Ok(*expr)
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let comparison = match self.peek() {
            Token::Mark("=") => Comparison::Equal,
            Token::Mark("<>" | "!=") => Comparison::NotEqual,
            Token::Mark("<") => Comparison::Less,
            Token::Mark("<=" | "!>") => Comparison::LessOrEqual,
            Token::Mark(">") => Comparison::Greater,
            Token::Mark(">=" | "!<") => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Mark("+") => Arithmetic::Add,
                Token::Mark("-") => Arithmetic::Subtract,
                Token::Mark("&") => Arithmetic::BitAnd,
                Token::Mark("|") => Arithmetic::BitOr,
                Token::Mark("^") => Arithmetic::BitXor,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Arithmetic(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Mark("*") => Arithmetic::Multiply,
                Token::Mark("/") => Arithmetic::Divide,
                Token::Mark("%") => Arithmetic::Modulo,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Arithmetic(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Result<Expr> {
        if self.mark("-") {
            return self.nested(|parser| {
                Ok(match parser.unary()? {
                    // `-2147483648` is one literal, though 2147483648 alone is a decimal.
                    Expr::Literal(Literal::Int(whole)) => Expr::Literal(Literal::Int(-whole)),
                    Expr::Literal(Literal::Decimal(number)) => {
                        let negative = Decimal::new(-number.units, number.scale);
                        match i32::try_from(negative.units) {
                            Ok(whole) if number.scale == 0 => Expr::Literal(Literal::Int(whole)),
                            _ => Expr::Literal(Literal::Decimal(negative)),
                        }
                    }
                    Expr::Literal(Literal::Float(number)) => Expr::Literal(Literal::Float(-number)),
                    expr => Expr::Negate(Box::new(expr)),
                })
            });
        }
        if self.mark("+") {
            return self.nested(Self::unary);
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Expr> {
        let mut expr = self.primary()?;
        loop {
            if self.word("COLLATE") {
                expr = Expr::Collate(Box::new(expr), self.name()?);
            } else if self.words(&["AT", "TIME", "ZONE"]) {
                expr = Expr::AtTimeZone(Box::new(expr), Box::new(self.primary()?));
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        match self.peek().clone() {
            Token::Number(text) => {
                self.at += 1;
                number(&text).map(Expr::Literal).ok_or_else(|| SqlError::syntax(&text))
            }
            Token::Text(text, national) => {
                self.at += 1;
                Ok(Expr::Literal(Literal::Text(text, national)))
            }
            Token::Bytes(bytes) => {
                self.at += 1;
                Ok(Expr::Literal(Literal::Bytes(bytes)))
            }
            Token::Variable(name) => {
                self.at += 1;
                Ok(Expr::Variable(name))
            }
            Token::Mark("(") => {
                self.at += 1;
                let inner =
                    if self.at_query() { Expr::Subquery(Box::new(self.query()?)) } else { self.expr()? };
                self.expect_mark(")")?;
                Ok(inner)
            }
            Token::Word(word) => self.worded(&word.to_uppercase()),
            Token::Quoted(_) => self.column_or_call(),
            _ => Err(self.unexpected()),
        }
    }

    fn worded(&mut self, word: &str) -> Result<Expr> {
        let called = matches!(self.peek_at(1), Token::Mark("("));
        match word {
            "NULL" => {
                self.at += 1;
                Ok(Expr::Literal(Literal::Null))
            }
            "CASE" => self.case(),
            "EXISTS" => {
                self.at += 1;
                self.expect_mark("(")?;
                let query = self.query()?;
                self.expect_mark(")")?;
                Ok(Expr::Exists(Box::new(query)))
            }
            "CAST" | "TRY_CAST" if called => self.cast(word.starts_with("TRY")),
            "CONVERT" | "TRY_CONVERT" if called => self.convert(word.starts_with("TRY")),
            // These are functions although their names are reserved.
            "LEFT" | "RIGHT" if called => {
                self.at += 1;
                self.call(word.to_owned())
            }
            "CURRENT_TIMESTAMP" | "CURRENT_USER" | "SYSTEM_USER" | "SESSION_USER" | "USER" if !called => {
                self.at += 1;
                Ok(Expr::Call(Call {
                    name: word.to_owned(),
                    arguments: Vec::new(),
                    star: false,
                    distinct: false,
                    within_group: Vec::new(),
                    over: None,
                }))
            }
            _ => self.column_or_call(),
        }
    }

    fn column_or_call(&mut self) -> Result<Expr> {
        let plain = matches!(self.peek(), Token::Word(_));
        let mut name = self.full_name()?;
        if !matches!(self.peek(), Token::Mark("(")) {
            return Ok(Expr::Column(name));
        }
        let last = name.pop().unwrap_or_default();
        match name.last() {
            None if plain => self.call(last.to_uppercase()),
            Some(schema) if schema.eq_ignore_ascii_case("sys") => {
                self.call(format!("SYS.{}", last.to_uppercase()))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn call(&mut self, name: String) -> Result<Expr> {
        self.expect_mark("(")?;
        let star = matches!(self.peek(), Token::Mark("*")) && matches!(self.peek_at(1), Token::Mark(")"));
        self.at += usize::from(star);
        let distinct = self.word("DISTINCT");
        let _all = !distinct && self.word("ALL");
        let arguments =
            if star || matches!(self.peek(), Token::Mark(")")) { Vec::new() } else { self.list()? };
        self.expect_mark(")")?;
        let mut within_group = Vec::new();
        if self.words(&["WITHIN", "GROUP"]) {
            self.expect_mark("(")?;
            within_group = self.order()?;
            self.expect_mark(")")?;
        }
        let over = if self.word("OVER") { Some(self.window()?) } else { None };
        Ok(Expr::Call(Call { name, arguments, star, distinct, within_group, over }))
    }

    fn window(&mut self) -> Result<Window> {
        self.expect_mark("(")?;
        let partition = if self.words(&["PARTITION", "BY"]) { self.list()? } else { Vec::new() };
        let order = if self.is_word(0, "ORDER") { self.order()? } else { Vec::new() };
        let frame =
            if self.is_word(0, "ROWS") || self.is_word(0, "RANGE") { self.frame()? } else { Frame::Default };
        self.expect_mark(")")?;
        Ok(Window { partition, order, frame })
    }

    fn frame(&mut self) -> Result<Frame> {
        let rows = self.word("ROWS");
        let _range = !rows && self.word("RANGE");
        if self.words(&["UNBOUNDED", "PRECEDING"]) {
            return Ok(if rows { Frame::RowsToCurrent } else { Frame::Default });
        }
        self.expect_word("BETWEEN")?;
        let start = self.words(&["UNBOUNDED", "PRECEDING", "AND"]);
        let whole = start && self.words(&["UNBOUNDED", "FOLLOWING"]);
        match (start, whole) {
            (true, true) => Ok(Frame::Whole),
            (true, false) if self.words(&["CURRENT", "ROW"]) => {
                Ok(if rows { Frame::RowsToCurrent } else { Frame::Default })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn case(&mut self) -> Result<Expr> {
        self.expect_word("CASE")?;
        let operand = if self.is_word(0, "WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut branches = Vec::new();
        while self.word("WHEN") {
            let when = self.expr()?;
            self.expect_word("THEN")?;
            branches.push((when, self.expr()?));
        }
        if branches.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_word("END")?;
        Ok(Expr::Case { operand, branches, otherwise })
    }

    fn cast(&mut self, lenient: bool) -> Result<Expr> {
        self.at += 2;
        let expr = Box::new(self.expr()?);
        self.expect_word("AS")?;
        let to = self.conversion_type()?;
        self.expect_mark(")")?;
        Ok(Expr::Convert { expr, to, style: None, lenient })
    }

    fn convert(&mut self, lenient: bool) -> Result<Expr> {
        self.at += 2;
        let to = self.conversion_type()?;
        self.expect_mark(",")?;
        let expr = Box::new(self.expr()?);
        let style = if self.mark(",") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_mark(")")?;
        Ok(Expr::Convert { expr, to, style, lenient })
    }

    fn conversion_type(&mut self) -> Result<SqlType> {
        let before = self.at;
        let ty = self.data_type()?;
        let had_length = self.at > before + 1;
        Ok(in_conversion(ty, had_length))
    }

    /// `a, b, c`.
    pub(super) fn list(&mut self) -> Result<Vec<Expr>> {
        let mut list = vec![self.expr()?];
        while self.mark(",") {
            list.push(self.expr()?);
        }
        Ok(list)
    }

    /// `ORDER BY a, b DESC`.
    pub(super) fn order(&mut self) -> Result<Vec<Order>> {
        self.expect_word("ORDER")?;
        self.expect_word("BY")?;
        let mut order = Vec::new();
        loop {
            let expr = self.expr()?;
            let descending = self.word("DESC");
            let _ascending = !descending && self.word("ASC");
            order.push(Order { expr, descending });
            if !self.mark(",") {
                return Ok(order);
            }
        }
    }
}

/// A number: with an exponent it is a float, beyond `int` or with a point it is a decimal.
fn number(text: &str) -> Option<Literal> {
    if text.contains('e') {
        return text.parse().ok().map(Literal::Float);
    }
    match text.parse::<i32>() {
        Ok(whole) => Some(Literal::Int(whole)),
        Err(_) => Decimal::parse(text).map(Literal::Decimal),
    }
}
